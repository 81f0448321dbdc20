import type { Driver } from '../driver.js';
import type { SimContext } from './holdings.js';
import type { Machine } from './machine.js';

export type ContextCalls = Pick<
  Driver,
  | 'getDeviceCount'
  | 'getDeviceProperties'
  | 'createContext'
  | 'destroyContext'
  | 'setCurrentContext'
  | 'getCurrentContext'
  | 'registerErrorHandler'
>;

/** Devices and contexts. */
export function contextCalls({ held, faults }: Machine): ContextCalls {
  return {
    getDeviceCount() {
      faults.enter('lynGetDeviceCount');
      return held.devices.length;
    },
    getDeviceProperties(device) {
      const call = 'lynGetDeviceProperties';
      faults.enter(call);
      const { ddr, glb } = held.device(call, device).memory;
      return {
        name: 'bidl simulator',
        memoryTotal: ddr.bytes,
        memoryUsed: ddr.used,
        glbTotal: glb.bytes,
        glbUsed: glb.used,
      };
    },
    createContext(device) {
      const call = 'lynCreateContext';
      faults.enter(call);
      held.device(call, device);
      const context: SimContext = {
        kind: 'context',
        device,
        owned: new Set(),
        buffers: new Set(),
        handler: () => undefined,
      };
      held.contexts.add(context);
      held.current = context;
      return context;
    },
    destroyContext(context) {
      const call = 'lynDestroyContext';
      faults.enter(call);
      held.release(held.contextOf(call, context));
    },
    setCurrentContext(context) {
      const call = 'lynSetCurrentContext';
      faults.enter(call);
      held.current = held.contextOf(call, context);
    },
    getCurrentContext() {
      const call = 'lynGetCurrentContext';
      faults.enter(call);
      return held.here(call);
    },
    registerErrorHandler(handler) {
      const call = 'lynRegisterErrorHandler';
      faults.enter(call);
      held.here(call).handler = handler;
    },
  };
}
