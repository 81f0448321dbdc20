import * as vega from 'vega';
import { compile } from 'vega-lite';

/** Bars of `ratio` by benchmark and peer, as SVG; the line at 1 is a peer as fast as ours. */
export async function ratioPlot(lines) {
  const values = lines.map(({ name, mode, peer, ratio }) => ({ what: `${name}, ${mode}`, peer, ratio }));
  const x = {
    field: 'ratio',
    type: 'quantitative',
    scale: { type: 'log', domainMin: 0.5 },
    title: 'times as fast as the peer',
  };
  const spec = {
    data: { values },
    width: 480,
    layer: [
      {
        mark: 'bar',
        encoding: {
          y: { field: 'what', type: 'nominal', sort: null, title: null },
          yOffset: { field: 'peer', sort: null },
          x: { ...x, scale: { ...x.scale, nice: false } },
          x2: { datum: 1 },
          color: { field: 'peer', sort: null, scale: { scheme: 'tableau20' } },
        },
      },
      { mark: { type: 'rule', color: 'black' }, encoding: { x: { datum: 1 } } },
    ],
    config: { background: 'white' },
  };
  return `${await new vega.View(vega.parse(compile(spec).spec), { renderer: 'none' }).toSVG()}\n`;
}
