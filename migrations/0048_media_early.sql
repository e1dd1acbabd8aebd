-- What can be watched while a job runs: the newest revision that the node has signed. One stream for each job, for good:
-- a later lease adds to it if it makes the same bytes; if it doesn't, or the job fails, the stream is taken back and
-- never comes again, since a revision only adds. Rows go once the root is in the log, which holds the same segments.
create table early (
    job uuid primary key references job (id) on delete cascade,
    -- As `pinreel_records::Growing` encodes it; null once the stream was taken back.
    statement bytea,
    sig bytea,
    check ((statement is null) = (sig is null))
);

grant select, insert, update, delete on early to pinreel_app;

-- The segments that begin together, one of each rendition, in the statement's order: `[{"cid", "ticks"}]`.
create table early_step (
    job uuid not null references early (job) on delete cascade,
    number bigint not null,
    pieces jsonb not null,
    primary key (job, number)
);

grant select, insert, delete on early_step to pinreel_app;
