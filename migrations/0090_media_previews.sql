-- A file that is neither film nor sound is published as it is, and a preview is made of it: still pictures in several
-- sizes. Each is a job of its own, whose source is the file.
alter table job
    drop constraint job_purpose_check,
    add constraint job_purpose_check check (purpose in ('renditions', 'companion', 'preview', 'whole')),
    drop constraint job_task,
    add constraint job_task check ((purpose in ('companion', 'preview')) = (task is not null));

-- What came of it: a folder with `<width>.webp` for each of the sizes.
create table preview (
    job uuid primary key references job (id) on delete cascade,
    root text not null,
    source text not null,
    -- Of what it was made from, upright: pixels of a picture, points of a page.
    width integer not null check (width > 0),
    height integer not null check (height > 0),
    -- [{"width", "height", "bytes"}], the smallest first.
    sizes jsonb not null,
    worker text not null,
    -- private: nothing published needs it · due: published, not yet to be fetched by everybody · shown.
    state text not null check (state in ('private', 'due', 'shown')),
    created_ms bigint not null
);

grant select, insert, update, delete on preview to pinreel_app;
-- A source's newest preview: `where source = $1 order by created_ms desc limit 1`.
create index preview_source on preview (source, created_ms desc);
-- Previews that wait to be shown: `where state = 'due' order by created_ms`.
create index preview_due on preview (created_ms) where state = 'due';
