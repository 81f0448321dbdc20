import { EngineInstallError } from './errors.js';

/** Where TensorFlow runs its kernels. */
export type Device = 'cpu' | 'gpu';

/** The TensorFlow release whose C library stands under tfjs-node. */
export const TENSORFLOW_VERSION = '2.21.0';

/** What one device needs: which wheel from the Python package index, which tfjs-node package, how much disk. */
export interface DeviceSpec {
  readonly device: Device;
  /** Name on the Python package index. */
  readonly wheel: string;
  /** Name of the npm package that is completed. */
  readonly npmPackage: string;
  /** Free bytes wanted in the cache before starting: the wheels and what is unpacked of them. */
  readonly space: number;
  /** Further wheels (CUDA libraries), as requirement strings. */
  readonly companions: readonly string[];
}

const GB = 1e9;

/** CUDA libraries as TensorFlow 2.21's own metadata asks for them (its extra `and-cuda`), less the compilers. */
const CUDA_WHEELS = [
  'nvidia-cublas-cu12>=12.5.3.2,<13.0',
  'nvidia-cuda-cupti-cu12>=12.5.82,<13.0',
  'nvidia-cuda-nvrtc-cu12>=12.5.82,<13.0',
  'nvidia-cuda-runtime-cu12>=12.5.82,<13.0',
  'nvidia-cudnn-cu12>=9.3.0.75,<10.0',
  'nvidia-cufft-cu12>=11.2.3.61,<12.0',
  'nvidia-curand-cu12>=10.3.6.82,<11.0',
  'nvidia-cusolver-cu12>=11.6.3.83,<12.0',
  'nvidia-cusparse-cu12>=12.5.1.3,<13.0',
  'nvidia-nccl-cu12>=2.27.7,<3.0',
  'nvidia-nvjitlink-cu12>=12.5.82,<13.0',
];

export const DEVICES: Readonly<Record<Device, DeviceSpec>> = {
  cpu: {
    device: 'cpu',
    wheel: 'tensorflow-cpu',
    npmPackage: '@tensorflow/tfjs-node',
    space: 1.3 * GB,
    companions: [],
  },
  gpu: {
    device: 'gpu',
    wheel: 'tensorflow',
    npmPackage: '@tensorflow/tfjs-node-gpu',
    space: 9 * GB,
    companions: CUDA_WHEELS,
  },
};

/**
 * pip's names for this machine, newest first: pip takes each literally, and CUDA's wheels carry older ones than TensorFlow's.
 *
 * @throws EngineInstallError where TensorFlow publishes no wheel
 */
export function wheelPlatforms(platform: string = process.platform, arch: string = process.arch): string[] {
  const machine = { x64: 'x86_64', arm64: 'aarch64' }[arch];
  if (platform !== 'linux' || machine === undefined) {
    throw new EngineInstallError(
      'choose TensorFlow for this machine',
      `the native backend is made for Linux on x64 or arm64; this is ${platform} on ${arch}`,
      'nothing is needed to go on: bidl runs on WebAssembly here. For full speed use Linux (a container or WSL will do).',
    );
  }
  return ['manylinux_2_27', 'manylinux_2_17', 'manylinux2014'].map((policy) => `${policy}_${machine}`);
}
