-- Jobs that make something other than a film's renditions. A companion is what lies beside a film: captions, a poster;
-- its source is the file that was sent, or the film whose frame is wanted. A whole is a film's playback folder with a
-- channel's companions in it: the node puts it together itself, so no worker is ever given one.
alter table job
    add column purpose text not null default 'renditions' check (purpose in ('renditions', 'companion', 'whole')),
    -- What a companion's worker is told to make.
    add column task jsonb,
    add constraint job_task check ((purpose = 'companion') = (task is not null));

grant delete on job to pinreel_app;
-- What came of a companion: one file.
create table companion_file (
    job uuid primary key references job (id) on delete cascade,
    cid text not null,
    size_bytes bigint not null check (size_bytes > 0),
    tsize_bytes bigint not null,
    -- Sentences for the creator.
    notes jsonb not null,
    worker text not null
);

grant select, insert, delete on companion_file to pinreel_app;
-- Whose companions are in a playback folder. Such a folder is shown only for its own channel's publications: the same
-- film may be another channel's, whose captions are other ones. Two channels may put the very same folder together.
create table whole_root (
    root text not null,
    channel text not null,
    job uuid not null references job (id) on delete cascade,
    primary key (root, channel)
);

grant select, insert, delete on whole_root to pinreel_app;
-- Which channel published a source: its own wholes may be known from then on, and nobody else's.
create table published_by (
    source text not null,
    channel text not null,
    primary key (source, channel)
);

grant select, insert on published_by to pinreel_app;

insert into published_by (source, channel) select distinct source, channel from publication;

-- The CID of the storyboard's index, for the node's record.
alter table rendition add column storyboard text;
