import { Socket } from "node:net";

/**
 * A socket that sends what is written in one turn of the event loop at once, from the first `cork` on. The driver corks
 * it for each statement by itself, and every such write is a system call here and wakes PostgreSQL up; those of a whole
 * round trip cost one. Under TLS it is the encrypting socket above this one that writes, and gathers nothing.
 */
export class TurnSocket extends Socket {
  #isHeld = false;

  override cork(): void {
    if (!this.#isHeld) {
      this.#isHeld = true;
      super.cork();
      // After all that is settled in this turn, and with it whatever else is asked.
      process.nextTick(() => {
        this.#isHeld = false;
        super.uncork();
      });
    }
    super.cork();
  }
}
