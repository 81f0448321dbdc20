import { COMMANDS, type PlanLibrary } from '@bidl/kernels';
import { DriverError, driverError } from '../errors.js';
import { Faults } from './faults.js';
import { Holdings, type SimStream } from './holdings.js';
import { DeviceMemory } from './memory.js';
import { Waiting } from './waiting.js';

/** How large a simulated machine is. */
export interface MachineSize {
  readonly devices: number;
  readonly memoryBytes: number;
  readonly glbBytes: number;
  readonly maxStreams: number;
  /** Threads that each device may use. */
  readonly threads: number;
}

/** The devices, and what all driver calls share: the books of what was made, and the faults that are to happen. */
export class Machine {
  readonly held: Holdings;

  constructor(
    readonly library: PlanLibrary,
    readonly size: MachineSize,
    readonly faults: Faults,
  ) {
    const devices = Array.from({ length: size.devices }, (_, id) => {
      const memory = new DeviceMemory(id, { ddr: size.memoryBytes, glb: size.glbBytes });
      const waiting = new Waiting(library, (code, call) => this.failed(id, code, call));
      const handle = library.openDevice(memory.bytes, waiting.listen);
      waiting.attach(handle);
      return { handle, memory, waiting };
    });
    this.held = new Holdings(library, devices);
  }

  /**
   * Enqueues a failure in place of a command.
   *
   * @param code what `Faults.enter` said about the call; nothing happens for 0
   * @returns whether it did
   */
  inject(stream: SimStream, call: string, code: number): boolean {
    if (code === 0) return false;
    stream.commands++;
    const { handle } = this.held.devices[stream.device];
    this.library.enqueueMark(handle, stream.handle, Waiting.idOf(call), COMMANDS.fault, code, false);
    return true;
  }

  /** Tells the contexts of a device that a command has failed there. */
  private failed(device: number, code: number, call: string): void {
    const error = new DriverError(call, code);
    for (const context of this.held.contexts) {
      if (context.device !== device) continue;
      context.handler({
        errCode: code,
        errMsg: error.message,
        errModule: 'simulator',
        errFunction: call,
        errDeviceId: device,
      });
    }
  }

  /** Ends the devices' threads and gives back their memory. What still waits is rejected. */
  close(): void {
    const { held, library } = this;
    if (held.closed) return;
    held.closed = true;
    for (const context of [...held.contexts]) held.release(context);
    for (const { handle, waiting } of held.devices) {
      library.closeDevice(handle);
      waiting.abandon(driverError('lynSynchronizeStream', 'deviceStatus', 'the simulator was closed'));
    }
  }
}
