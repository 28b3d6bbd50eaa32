/** The first word of a process that a change with `--confirm` leaves behind: no verb, nobody is to type it. */
export const LEFT_BEHIND = '_unconfirmed';
