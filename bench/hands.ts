import { type Load, type Order, runLoad } from './load.ts';
import { type Pace, startSimulator } from './simulator.ts';

/** The simulated provider and the callers, each a process of its own, so that they can be kept away from the core that is measured. */
export type Hands = {
  readonly simulatorPort: number;
  readonly setPace: (pace: Pace) => void;
  readonly load: (order: Order) => Promise<Load>;
  readonly stop: () => void;
};

type Message = { readonly port?: number; readonly load?: Load };
type Hand = { readonly send: (message: unknown) => void; readonly next: () => Promise<Message>; readonly stop: () => void };

export async function startHands(program: string, pin: readonly string[]): Promise<Hands> {
  const simulator = startHand(program, 'simulator', pin);
  const callers = startHand(program, 'callers', pin);
  const { port } = await simulator.next();
  return {
    simulatorPort: port ?? 0,
    setPace: (pace) => simulator.send(pace),
    async load(order) {
      callers.send(order);
      const { load } = await callers.next();
      if (load === undefined) throw new Error('the callers said nothing of what they saw');
      return load;
    },
    stop() {
      simulator.stop();
      callers.stop();
    },
  };
}

function startHand(program: string, role: string, pin: readonly string[]): Hand {
  const said: Message[] = [];
  let waiting: PromiseWithResolvers<Message> | null = null;
  const child = Bun.spawn([...pin, process.execPath, '--no-env-file', program, role], {
    stdio: ['ignore', 'inherit', 'inherit'],
    ipc(message) {
      if (waiting === null) said.push(message as Message);
      else waiting.resolve(message as Message);
      waiting = null;
    },
    onExit(_child, code) {
      waiting?.reject(new Error(`the ${role} of the benchmark ended with ${code}`));
    },
  });
  return {
    send: (message) => child.send(message),
    next() {
      const first = said.shift();
      if (first !== undefined) return Promise.resolve(first);
      waiting = Promise.withResolvers();
      return waiting.promise;
    },
    stop: () => child.kill(),
  };
}

/** What a process that was started as one of the hands does; false when this one was not. */
export function isHand(role: string | undefined): boolean {
  if (role === 'simulator') {
    const simulator = startSimulator();
    process.on('message', (pace: Pace) => simulator.set(pace));
    process.send?.({ port: simulator.port });
    return true;
  }
  if (role === 'callers') {
    process.on('message', (order: Order) => void runLoad(order).then((load) => process.send?.({ load })));
    return true;
  }
  return false;
}
