-- By which claim a channel published a source: `where source = $1 and channel = $2 order by index desc limit 1`.
create index publication_of_source on publication (source, channel, index desc);
