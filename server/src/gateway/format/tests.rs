//! What requests want, by their query and their `Accept`.

use axum::http::header;

use super::*;

fn accept(value: &str) -> HeaderMap {
    HeaderMap::from_iter([(header::ACCEPT, value.parse().unwrap())])
}

fn choice(query: &str, value: &str) -> Choice {
    wish(&Query::parse(Some(query)), &accept(value)).unwrap().choice
}

#[test]
fn query_beats_accept() {
    let car = "application/vnd.ipld.car; version=1";
    assert_eq!(choice("format=raw", car), Choice::Query(Format::Raw));
    assert_eq!(choice("", car), Choice::Accept(Format::Car));
    for query in ["format=zip", "format=ipns-record"] {
        assert_eq!(wish(&Query::parse(Some(query)), &accept(car)).unwrap_err().code, "format_unknown");
    }
}

#[test]
fn browsers_get_the_native_form() {
    for value in ["*/*", "text/html,application/xhtml+xml,*/*;q=0.8", "video/*", ""] {
        assert_eq!(choice("", value), Choice::Native, "{value}");
    }
    let usual = wish(&Query::default(), &accept("application/json, text/plain, */*")).unwrap();
    assert!(usual.native_will_do && !usual.takes_html);
    assert!(!wish(&Query::default(), &accept("application/json")).unwrap().native_will_do);
}

#[test]
fn accept_goes_by_its_weights() {
    let car = Choice::Accept(Format::Car);
    for (value, expected) in [
        ("text/html;q=0.9, application/vnd.ipld.car;q=0.5", Choice::Native),
        ("text/html;q=0.5, Application/Vnd.IPLD.Car;q=0.9", car),
        ("application/vnd.ipld.car;q=0.5, */*", Choice::Native),
        ("application/vnd.ipld.car, */*;q=0.1", car),
        ("*/*, application/vnd.ipld.car", car),
        ("text/html;q=0.5, application/vnd.ipld.car;q=0.5", car),
        ("application/vnd.ipld.raw;q=0.5, application/vnd.ipld.car", car),
        ("application/vnd.ipld.car, application/vnd.ipld.raw", car),
        ("application/vnd.ipld.car;q=0, */*;q=0.1", Choice::Native),
        ("application/vnd.ipld.raw;q=0, application/vnd.ipld.car;q=0.001", car),
        ("application/*, application/vnd.ipld.car;q=0.9", Choice::Native),
    ] {
        assert_eq!(choice("", value), expected, "{value}");
    }
    assert_eq!(choice("format=car", "application/vnd.ipld.car;q=0, */*"), Choice::Query(Format::Car));
    let unknown = wish(&Query::default(), &accept("application/vnd.ipfs.ipns-record, text/html;q=0.1")).unwrap();
    assert_eq!(unknown.choice, Choice::Native);
}

#[test]
fn car_parameters() {
    let of = |query: &str, value: &str| wish(&Query::parse(Some(query)), &accept(value)).map(|wish| wish.car);
    let cases = [
        ("", "application/vnd.ipld.car", "order=dfs; dups=n", 0),
        ("", "application/vnd.ipld.car; version=1; order=dfs; dups=y", "order=dfs; dups=y", 3),
        ("", "application/vnd.ipld.car;order=unk", "order=unk; dups=n", 1),
        ("format=car", "application/vnd.ipld.car; dups=y", "order=dfs; dups=y", 1),
        ("format=car&car-dups=y", "application/vnd.ipld.car; dups=n", "order=dfs; dups=y", 0),
        ("format=car&car-order=dfs", "application/vnd.ipld.car; order=unk", "order=dfs; dups=n", 0),
        ("", "application/vnd.ipld.car;order=foo, application/vnd.ipld.car;dups=y;q=0.5", "order=dfs; dups=y", 1),
    ];
    for (query, value, expected, by_accept) in cases {
        let car = of(query, value).unwrap();
        assert_eq!(car.media_type(), format!("application/vnd.ipld.car; version=1; {expected}"), "{query} {value}");
        assert_eq!(car.by_accept.len(), by_accept, "{query} {value}");
    }
    for (query, value) in [
        ("", "application/vnd.ipld.car; version=2"),
        ("", "application/vnd.ipld.car; order=bfs"),
        ("format=car&car-version=2", "*/*"),
        ("format=car&car-order=bfs", "*/*"),
        ("format=car&car-dups=maybe", "*/*"),
    ] {
        assert_eq!(of(query, value).unwrap_err().code, "car_form_unsupported", "{query} {value}");
    }
}
