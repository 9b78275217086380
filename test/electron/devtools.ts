/**
 * One page of an Electron that allows no inspector, over its browser's own protocol. Playwright's
 * connection to a running browser asks for browser contexts, which Electron has none of.
 */

export interface DevtoolsPage {
  send<Result>(method: string, parameters?: object): Promise<Result>;
  /** The value of an expression in the page. */
  evaluate<Value>(expression: string): Promise<Value>;
  /** Empty while the page has none to tell. */
  url(): Promise<string>;
  close(): void;
}

/** @param port of `--remote-debugging-port`. @returns null while there is no page. */
export async function connectPage(port: number): Promise<DevtoolsPage | null> {
  const targets = (await (await fetch(`http://127.0.0.1:${port}/json/list`)).json()) as readonly {
    readonly type: string;
    readonly webSocketDebuggerUrl: string;
  }[];
  const target = targets.find(({ type }) => type === 'page');
  if (target === undefined) return null;
  const socket = new WebSocket(target.webSocketDebuggerUrl);
  await new Promise((resolve, reject) => {
    socket.addEventListener('open', resolve);
    socket.addEventListener('error', () => reject(new Error('The page takes no connection.')));
  });
  const waiting = new Map<number, (answer: { readonly result?: unknown; readonly error?: { readonly message: string } }) => void>();
  socket.addEventListener('message', ({ data }) => {
    const answer = JSON.parse(String(data)) as { readonly id?: number };
    if (answer.id !== undefined) waiting.get(answer.id)?.(answer as object);
  });
  let last = 0;
  async function send<Result>(method: string, parameters: object = {}): Promise<Result> {
    last += 1;
    const id = last;
    const answered = new Promise<{ readonly result?: unknown; readonly error?: { readonly message: string } }>((resolve) => {
      waiting.set(id, resolve);
    });
    socket.send(JSON.stringify({ id, method, params: parameters }));
    const { result, error } = await answered;
    waiting.delete(id);
    if (error !== undefined) throw new Error(`${method}: ${error.message}`);
    return result as Result;
  }
  async function evaluate<Value>(expression: string): Promise<Value> {
    const { result } = await send<{ readonly result: { readonly value: Value } }>('Runtime.evaluate', {
      expression,
      awaitPromise: true,
      returnByValue: true,
    });
    return result.value;
  }
  return { send, evaluate, url: () => evaluate<string>('location.href').catch(() => ''), close: () => socket.close() };
}
