// A process that gets SIGTERM while its JavaScript is busy, and then asks whether it is to start something.

import { refuseIfCancelled } from '../../../src/wait/start.ts';

let cancelled = false;
process.on('SIGTERM', () => {
  cancelled = true;
});
setTimeout(async () => {
  process.kill(process.pid, 'SIGTERM');
  // Without a turn of the loop, the handler has not been called.
  const known = cancelled;
  const answer = await refuseIfCancelled(() => cancelled).then(
    () => 'starts',
    (error: Error) => error.message,
  );
  console.log(JSON.stringify({ known, answer }));
}, 1);
