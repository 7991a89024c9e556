-- The days of a time zone. Counts by day and intervals of time must agree on their bounds to the instant, and
-- midnight alone does not tell: clocks that are put forward leave it out (Egypt), those put back over it make it
-- come twice, of which PostgreSQL takes the later (the Azores, Cuba), or bring back an hour of the day before
-- (Newfoundland until 2011). A day left out altogether (Samoa, 2011-12-30) begins and ends at once.

-- When a day begins: the first time that its midnight comes.
create function begin_of_day(day date, time_zone text) returns timestamptz
  language plpgsql immutable strict parallel safe as $$
declare
  latest constant timestamptz := day::timestamp at time zone time_zone;
  day_before constant timestamptz := latest - interval '1 day';
  -- By the clock of the day before, had it not been put back since.
  earliest constant timestamptz := day_before + (day::timestamp - (day_before at time zone time_zone));
begin
  return case when earliest < latest and earliest at time zone time_zone = day::timestamp then earliest else latest end;
end $$;

-- The day that an instant belongs to: the last one that has begun. That is the clock's, unless the clock was put
-- back just now.
create function day_of(instant timestamptz, time_zone text) returns date
  language plpgsql immutable strict parallel safe as $$
declare
  clock constant timestamp := instant at time zone time_zone;
begin
  return case
    when clock < ((instant - interval '4 hours') at time zone time_zone) + interval '4 hours'
      and begin_of_day(clock::date + 1, time_zone) <= instant then clock::date + 1
    else clock::date end;
end $$;
