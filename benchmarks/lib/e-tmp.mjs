import { peerEnvironment } from './environment.mjs';
console.log(await peerEnvironment());
