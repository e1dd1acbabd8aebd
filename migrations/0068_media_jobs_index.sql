-- The operator's list, newest first: `where id < $1 order by id desc`. Ids are made by time.
create index job_shown on job (state, id desc);
