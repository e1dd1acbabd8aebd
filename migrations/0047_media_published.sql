-- Sources that somebody has published, also those that no job knows yet: a film that came in by `import`, was published,
-- and is uploaded afterwards must have its rendition logged as well. So the word moves from the job to its own table;
-- the publishing transaction still locks the jobs of its source, and the completing one its job, before either looks.
create table published_source (
    source text primary key
);

grant select, insert on published_source to pinreel_app;

insert into published_source (source) select distinct source from job where published;
alter table job drop column published;
