/** The error of a failed conversion: a sentence for users (what, where, what to do). */
export class ConvertError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'ConvertError';
  }
}

/** The disk has no room for the GGUF: nothing is wrong with the model. */
export class NoRoomError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'NoRoomError';
  }
}
