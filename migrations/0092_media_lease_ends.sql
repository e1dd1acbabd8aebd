-- How a lease ended, in its worker's own words: so that the same words once more are answered as before, and so that a
-- worker whose own fault ended a try leaves the job to others for a while. Null while it runs, and where nobody said so.
alter table job_lease
    -- failed: because of the file · faulted: through the worker's own fault · released: the worker ends.
    add column ended text check (ended in ('failed', 'faulted', 'released')),
    add column ended_ms bigint,
    add constraint job_lease_ended check ((ended is null) = (ended_ms is null));

grant update (ended, ended_ms) on job_lease to pinreel_app;
