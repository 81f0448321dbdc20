/** tfjs's cpu backend recommends tfjs-node in a banner when it is first used in Node; this keeps it quiet. */
export function silenceBanner(backend: unknown): void {
  if (typeof backend === 'object' && backend !== null && 'firstUse' in backend) backend.firstUse = false;
}
