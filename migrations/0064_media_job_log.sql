-- What happened to a job, for the operator: the workers' own lines and the node's. The last few hundred lines stay.
create table job_log (
    id bigint generated always as identity primary key,
    job uuid not null references job (id) on delete cascade,
    epoch integer not null,
    -- Counts a lease's lines, so that one that is sent twice is kept once; null for the node's own.
    number integer,
    at_ms bigint not null,
    line text not null check (length(line) between 1 and 500),
    unique (job, epoch, number)
);

grant select, insert, delete on job_log to pinreel_app;
