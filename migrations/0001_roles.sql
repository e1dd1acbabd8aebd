-- Two roles from the first day: the owner migrates, the application may only do what its features need. The program
-- connects as the owner and steps down with `set role pinreel_app` before it serves anything.
do $$
begin
    create role pinreel_app nologin;
exception
    -- Roles belong to the whole cluster: another database of it may have made this one, or be making it now.
    when duplicate_object or unique_violation then null;
end
$$;

grant usage on schema public to pinreel_app;
do $$
begin
    execute format('grant pinreel_app to %I', current_user);
exception
    when unique_violation then null;
end
$$;
