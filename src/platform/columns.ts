import { customType, timestamp } from "drizzle-orm/pg-core";

/** A `timestamptz`, as `Date`. @param name where the database has another name for it than the code */
export const instant = (name: string) => timestamp(name, { withTimezone: true });

/** A `bytea`. */
export const bytea = customType<{ data: Buffer }>({ dataType: () => "bytea" });
