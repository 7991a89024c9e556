import type { ClientBase, Pool } from "pg";
import { type ConstructorOptions, PgBoss } from "pg-boss";

/** The schema of pg-boss's tables, which belong to the login role: no role of `tenancy.ts` may enter it. */
const JOBS_SCHEMA = "pgboss";
/** Where jobs go that failed for good. */
export const DEAD_LETTERS = "dead-letters";

/**
 * A pg-boss on connections of ours. It listens for nothing and keeps nothing in a session, so a pooler may share them.
 * It does nothing by itself unless it is told to.
 */
export function createBoss(connections: Pool | ClientBase, options: ConstructorOptions = {}): PgBoss {
  return new PgBoss({
    schema: JOBS_SCHEMA,
    supervise: false,
    schedule: false,
    db: { executeSql: (text, values) => connections.query(text, values) },
    ...options,
  });
}

/** Brings pg-boss's schema to this version, or makes it. */
export async function migrateJobs(client: ClientBase): Promise<void> {
  const boss = createBoss(client);
  // Without a listener a failure would end the process.
  boss.on("error", () => undefined);
  await boss.start();
  await boss.stop({ graceful: false });
}

/** A job that failed for good. */
export interface DeadLetter {
  id: string;
  job: string;
  /** What it was about: ids. */
  data: object | null;
  failedAt: Date;
  attempts: number;
  /** Of the last attempt; of an error of the database only its code. */
  error: { name?: string; message?: string; code?: string } | null;
}

/** Newest last. */
export async function listDeadLetters(pool: Pool): Promise<DeadLetter[]> {
  const { rows } = await pool.query<DeadLetter>(
    `/* jobs.listDeadLetters */
     select id, source_name as job, data, created_on as "failedAt", source_retry_count + 1 as attempts,
       -- What pg-boss itself says of a job lies in a value.
       case jsonb_typeof(source_output->'value') when 'object' then source_output->'value'
         when 'string' then jsonb_build_object('message', source_output->'value')
         else source_output - 'stack' end as error
     from ${JOBS_SCHEMA}.job where name = $1 and state < 'active' order by created_on, id`,
    [DEAD_LETTERS],
  );
  return rows;
}

/**
 * Sends them back to where they failed, with all their attempts before them.
 * @param ids all of them when absent
 * @returns how many; one is left where the same job waits already
 */
export async function retryDeadLetters(pool: Pool, ids?: string[]): Promise<number> {
  if ((await listDeadLetters(pool)).length === 0) return 0;
  const boss = createBoss(pool);
  boss.on("error", () => undefined);
  await boss.start();
  try {
    let count = 0;
    for (let moved = -1; moved !== 0; count += moved) {
      moved = await boss.redrive(DEAD_LETTERS, ids === undefined ? {} : { ids });
    }
    return count;
  } finally {
    await boss.stop({ graceful: false });
  }
}

/** How it stands with the jobs of one name. */
export interface QueueState {
  job: string;
  /** To be done now. */
  waiting: number;
  /** How long the first of these has waited. */
  oldestSeconds: number;
  /** To be done later, most of them after a failure. */
  deferred: number;
  active: number;
  /** Failed for good. */
  dead: number;
}

/** The state of each queue, by name. */
export async function listQueueStates(pool: Pool): Promise<QueueState[]> {
  const { rows } = await pool.query<QueueState>(
    `/* jobs.listQueueStates */
     select queue.name as job,
       count(*) filter (where job.name <> $1 and state < 'active' and start_after <= now()) as waiting,
       coalesce(extract(epoch from now() - min(start_after) filter
         (where job.name <> $1 and state < 'active' and start_after <= now())), 0)::int as "oldestSeconds",
       count(*) filter (where job.name <> $1 and state < 'active' and start_after > now()) as deferred,
       count(*) filter (where state = 'active') as active,
       count(*) filter (where job.name = $1 and state < 'active') as dead
     from ${JOBS_SCHEMA}.queue left join ${JOBS_SCHEMA}.job
       on job.name = queue.name or (job.name = $1 and job.source_name = queue.name)
     where queue.name <> $1 and queue.name not like '\\_\\_pgboss%'
     group by 1 order by 1`,
    [DEAD_LETTERS],
  );
  return rows;
}

/**
 * The keys that no further job is wanted for: one waits, is to be tried again, or failed for good.
 * @param isShared whether a further job is wanted while one is worked on
 */
export async function listHeldKeys(pool: Pool, name: string, isShared: boolean): Promise<Set<string>> {
  const { rows } = await pool.query<{ key: string }>(
    `/* jobs.listHeldKeys */
     select singleton_key as key from ${JOBS_SCHEMA}.job where name = $1 and (state < 'active' or (state = 'active' and not $3))
     union all
     select singleton_key from ${JOBS_SCHEMA}.job where name = $2 and source_name = $1 and state < 'active'`,
    [name, DEAD_LETTERS, isShared],
  );
  return new Set(rows.map(({ key }) => key));
}
