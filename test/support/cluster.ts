/** Whether the tests run on a cluster of Citus. */
export const isCluster = process.env["CITUS_URL"] !== undefined;

/** For what a cluster cannot be held to: why it is passed over there, or false. */
export function skipOnCluster(reason: string): string | false {
  return isCluster && `on a cluster: ${reason}`;
}

/** A time so many hours before that of the column, for a SET: there Citus takes no `x - interval`, which goes by settings. */
export function hoursBefore(column: string, hours: number): string {
  return `to_timestamp(extract(epoch from ${column} - timestamptz '1970-01-01 00:00:00Z') - ${hours * 3_600})`;
}
