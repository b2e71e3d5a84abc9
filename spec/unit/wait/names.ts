/** The command of a waiter in a process of its own, as its state folder names it. */
export const ID = '00000000000000aa';

/** The file, beside that folder, that such a waiter writes once it listens to signals. */
export const LISTENING = 'listening';
