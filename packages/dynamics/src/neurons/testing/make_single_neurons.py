"""Makes single-neurons.json: spike times and membranes of single neurons, integrated by scipy.

    python make_single_neurons.py > single-neurons.json

solve_ivp (DOP853, relative tolerance 1e-10) runs from spike to spike; a spike is where an event function crosses zero.
"""

import json

import numpy as np
from scipy.integrate import solve_ivp


def spikes(derivative, event, reset, y, end):
    """Times of the spikes up to `end`, the equations restarted from reset(y) after each."""
    event.terminal, event.direction = True, 1
    t, times = 0.0, []
    while t < end:
        run = solve_ivp(derivative, (t, end), y, method="DOP853", events=event, rtol=1e-10, atol=1e-10)
        if not run.t_events[0].size:
            break
        t = float(run.t_events[0][0])
        times.append(round(t, 4))
        y = reset(run.y_events[0][0])
    return times


def izhikevich(a, b, c, d, current):
    def derivative(_, y):
        v, u = y
        return [0.04 * v * v + 5 * v + 140 - u + current, a * (b * v - u)]

    return spikes(derivative, lambda _, y: y[0] - 30, lambda y: [c, y[1] + d], [-65, -13], 300)


def adex(a, b, tau_w, v_reset, current):
    def derivative(_, y):
        v, w = y
        upstroke = 30 * 2 * np.exp((v + 50.4) / 2)
        return [(-30 * (v + 70.6) + upstroke - w + current) / 281, (a * (v + 70.6) - w) / tau_w]

    return spikes(derivative, lambda _, y: y[0] + 30, lambda y: [v_reset, y[1] + b], [-70.6, 0], 200)


def hodgkin_huxley(current):
    def derivative(_, y):
        v, m, h, n = y
        a_m = 0.1 * (v + 40) / -np.expm1(-(v + 40) / 10)
        a_h = 0.07 * np.exp(-(v + 65) / 20)
        a_n = 0.01 * (v + 55) / -np.expm1(-(v + 55) / 10)
        b_m = 4 * np.exp(-(v + 65) / 18)
        b_h = 1 / (1 + np.exp(-(v + 35) / 10))
        b_n = 0.125 * np.exp(-(v + 65) / 80)
        ionic = 120 * m**3 * h * (v - 50) + 36 * n**4 * (v + 77) + 0.3 * (v + 54.387)
        return [
            current - ionic,
            a_m * (1 - m) - b_m * m,
            a_h * (1 - h) - b_h * h,
            a_n * (1 - n) - b_n * n,
        ]

    def event(_, y):
        return y[0]

    event.direction = 1
    start = [-65, 0.0529325, 0.5961207, 0.3176769]
    at = np.arange(1, 51)
    run = solve_ivp(
        derivative, (0, 50), start, method="DOP853", t_eval=at, events=event, rtol=1e-10, atol=1e-10, max_step=0.1
    )
    return {"spikes": [round(float(t), 4) for t in run.t_events[0]], "v": [round(float(v), 4) for v in run.y[0]]}


PATTERNS = {  # Izhikevich 2003, figure 2
    "regular spiking": dict(a=0.02, b=0.2, c=-65, d=8, current=10),
    "intrinsically bursting": dict(a=0.02, b=0.2, c=-55, d=4, current=10),
    "chattering": dict(a=0.02, b=0.2, c=-50, d=2, current=10),
    "fast spiking": dict(a=0.1, b=0.2, c=-65, d=2, current=10),
    "low-threshold spiking": dict(a=0.02, b=0.25, c=-65, d=2, current=10),
}
ADEX = {
    "adapting": dict(a=4, b=80.5, tau_w=144, v_reset=-70.6, current=1000),
    "tonic": dict(a=0, b=0, tau_w=144, v_reset=-70.6, current=1000),
    "bursting": dict(a=4, b=80.5, tau_w=40, v_reset=-45.4, current=800),
    "silent": dict(a=4, b=80.5, tau_w=144, v_reset=-70.6, current=500),
}
print(
    json.dumps(
        {
            "izhikevich": [dict(name=k, **p, spikes=izhikevich(**p)) for k, p in PATTERNS.items()],
            "adex": [dict(name=k, **p, spikes=adex(**p)) for k, p in ADEX.items()],
            "hodgkin_huxley": [dict(current=i, **hodgkin_huxley(i)) for i in (2, 10, 20)],
        },
        indent=1,
    )
)
