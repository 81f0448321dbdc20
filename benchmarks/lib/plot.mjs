import * as vega from 'vega';
import { compile } from 'vega-lite';

/** Bars of `ratio` by benchmark and peer, as SVG; the line at 1 is a peer as fast as ours. */
export async function ratioPlot(lines) {
  const values = lines.map(({ name, mode, peer, ratio }) => ({ what: `${name}, ${mode}`, peer, ratio }));
  const bars = {
    mark: 'bar',
    encoding: {
      y: { field: 'peer', sort: null, title: null },
      x: {
        field: 'ratio',
        type: 'quantitative',
        scale: { type: 'log', domainMin: 0.5, nice: false },
        title: 'times as fast as the peer',
      },
      x2: { datum: 1 },
      color: { field: 'peer', sort: null, legend: null, scale: { scheme: 'tableau20' } },
    },
  };
  const spec = {
    data: { values },
    facet: { row: { field: 'what', sort: null, title: null, header: { labelAngle: 0, labelAlign: 'left' } } },
    resolve: { scale: { y: 'independent' } },
    spacing: 8,
    spec: {
      width: 420,
      height: { step: 14 },
      layer: [bars, { mark: { type: 'rule', color: 'black' }, encoding: { x: { datum: 1 } } }],
    },
    config: { background: 'white' },
  };
  return `${await new vega.View(vega.parse(compile(spec).spec), { renderer: 'none' }).toSVG()}\n`;
}
