/**
 * Says one thing to an `again run` and returns all that it answers, until it closes; '' where it does not listen. One that is stopped (Ctrl-Z), or can't write to its
 * terminal, answers when it continues.
 *
 * @param limitMs how many milliseconds that may take: then undefined is returned. Default: as long as it takes
 */
export function converse(socket: string, said: string): Promise<string>;
export function converse(socket: string, said: string, limitMs: number): Promise<string | undefined>;
export function converse(socket: string, said: string, limitMs?: number): Promise<string | undefined> {
  const { connect } = process.getBuiltinModule('node:net');
  return new Promise((resolve) => {
    let answer = '';
    let isOver = false;
    const connection = connect(socket, () => connection.write(said));
    const giveUp = () => {
      isOver = true;
      connection.destroy();
    };
    const limit = limitMs === undefined ? undefined : setTimeout(giveUp, limitMs);
    connection.on('data', (chunk) => {
      answer += String(chunk);
    });
    connection.on('error', () => {}); // 'close' follows
    connection.on('close', () => {
      clearTimeout(limit);
      resolve(isOver ? undefined : answer);
    });
  });
}
