import { peerEnvironment } from './environment.mjs';
import { Peer } from './peer.mjs';

/**
 * Starts the peers of a benchmark.
 *
 * @param known those that the benchmark can be run against
 * @param wanted `all`, or names; a name that this benchmark does not know is left out
 */
export async function openPeers(known, wanted) {
  const names = wanted === 'all' ? known : known.filter((name) => wanted.includes(name));
  if (names.length === 0) return [];
  const { python, cache } = await peerEnvironment();
  const peers = names.map((name) => new Peer(name, python, { cache }));
  for (const peer of peers) {
    const { versions } = await peer.ask({ do: 'hello' });
    const list = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
    console.error(`${peer.name}: ${list.join(', ')}`);
  }
  return peers;
}
