-- Whose job it is, so that one channel's hundred uploads don't keep another's single one waiting; what was chosen for it;
-- and what a worker must have to do it. A job of bytes that several channels sent belongs to the first.
alter table job
    add column channel text,
    -- The highest goes first; the operator may change it.
    add column priority smallint not null default 0 check (priority between -10 and 10),
    -- Absent for the default one.
    add column preset jsonb,
    -- The codec for want of which a worker gave it back.
    add column needs_codec text;

update job set channel = (select channel from upload where upload.source = job.source order by created_ms limit 1);
