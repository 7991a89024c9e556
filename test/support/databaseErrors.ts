import { Client, Query } from "pg";

/** As our connections hand it on, with whom to tell. */
type Asked = Query & { callback: (error: DatabaseError | null, ...rest: unknown[]) => void };

interface DatabaseError {
  code?: string;
  message: string;
}

/** Every error that the database answers a statement of ours with, in this process and from now on. */
export function collectDatabaseErrors(): DatabaseError[] {
  const query = Reflect.get(Client.prototype, "query") as (this: Client, ...args: unknown[]) => unknown;
  const errors: DatabaseError[] = [];
  Object.assign(Client.prototype, {
    query(this: Client, ...args: unknown[]) {
      const asked = args[0] as Asked;
      if (asked instanceof Query) {
        const { callback } = asked;
        asked.callback = (error, ...rest) => {
          if (error) errors.push(error);
          callback(error, ...rest);
        };
      }
      return query.apply(this, args);
    },
  });
  return errors;
}

/** Somebody waited for somebody who waited for them, or longer than one waits: whichever is noticed first. */
export function isOfWaiting({ code, message }: DatabaseError): boolean {
  return code === "40P01" || (code === "55P03" && !message.startsWith("could not obtain lock"));
}
