/**
 * Says one thing to an `again run` and returns all that it answers, until it closes; '' where it does not listen. There is no time limit: one that is stopped (Ctrl-Z) answers
 * when it continues, and Puppet has stopped with it.
 */
export function converse(socket: string, said: string): Promise<string> {
  const { connect } = process.getBuiltinModule('node:net');
  return new Promise((resolve) => {
    let answer = '';
    const connection = connect(socket, () => connection.write(said));
    connection.on('data', (chunk) => {
      answer += String(chunk);
    });
    connection.on('error', () => {}); // 'close' follows
    connection.on('close', () => resolve(answer));
  });
}
