const ms = (value) => `${value.toFixed(1)} ms`;

/** With the point of a sweep. */
const title = ({ name, facts }) => (facts?.at === undefined ? name : `${name} ${facts.at}`);

/** Ours (the first row) against every peer. A group may count frames. */
export function againstPeers({ name, mode, frames, facts }, [ours, ...peers]) {
  const rate = (milliseconds) => (1000 * frames) / milliseconds;
  return peers.map((peer) => {
    const ratio = peer.ms / ours.ms;
    const best = { ours_best_ms: ours.best_ms, peer_best_ms: peer.best_ms };
    const fps = frames && {
      ours_fps: rate(ours.ms),
      ours_best_fps: rate(ours.best_ms),
      peer_fps: rate(peer.ms),
    };
    const rates = fps
      ? `  ${fps.ours_fps.toFixed(0)} (best ${fps.ours_best_fps.toFixed(0)}) and ${fps.peer_fps.toFixed(0)} frames/s`
      : '';
    const figures = { ours_ms: ours.ms, peer: peer.form, peer_ms: peer.ms, ratio, checked: true };
    return {
      line: { name, mode, ...figures, ...best, ...fps, ...facts },
      text: `${title({ name, facts }).padEnd(12)} ${mode.padEnd(7)} ours ${ms(ours.ms)}  ${peer.form} ${ms(peer.ms)}  ${ratio.toFixed(2)}x${rates}`,
    };
  });
}

/** Every form of ours against the last one. A group may count frames, and say what its last form is. */
export function againstForms({ name, mode, frames, facts, against = 'composed' }, rows) {
  const last = rows.at(-1);
  return rows.map((row) => {
    const ratio = last.ms / row.ms;
    const fps = frames && { fps: (1000 * frames) / row.ms, best_fps: (1000 * frames) / row.best_ms };
    const rate = fps ? `  ${Math.round(fps.fps)} frames/s (best ${Math.round(fps.best_fps)})` : '';
    return {
      line: { name, mode, ...row, ...fps, ...facts, [`ratio_to_${against}`]: ratio },
      text: `${title({ name, facts }).padEnd(14)} ${mode.padEnd(7)} ${row.form.padEnd(9)} median ${ms(row.ms)}  best ${ms(row.best_ms)}  ${ratio.toFixed(2)}x ${against}${rate}`,
    };
  });
}
