-- The claim that an upload became: `where channel = $1 and source = $2 order by index desc limit 1`.
create index publication_of_source on publication (channel, source, index desc);
