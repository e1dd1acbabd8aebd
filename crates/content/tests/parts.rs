//! Parts of a DAG as CAR files, and paths that lead to them: what is in them, and what hostile DAGs get.
#![allow(clippy::unwrap_used)]

mod common;

use std::io::Read;

use common::{bytes, store};
use pinreel_content::{
    CarOptions, Cid, DAG_CBOR, DAG_JSON, End, Error, Gate, Malformed, Scope, Store, dag_pb_cid, dagpb, limits, raw_cid,
    sha256,
};

fn put(store: &Store, cid: Cid, block: &[u8]) -> Cid {
    store.put_block(&cid, block).unwrap();
    cid
}

fn leaf(store: &Store, content: &[u8]) -> Cid {
    put(store, raw_cid(sha256(content)), content)
}

fn node(store: &Store, links: &[(&str, Cid)], data: &[u8]) -> Cid {
    let mut block = Vec::new();
    links.iter().for_each(|(name, cid)| dagpb::push_link(&mut block, cid, name, 1));
    dagpb::push_data(&mut block, data);
    put(store, dag_pb_cid(sha256(&block)), &block)
}

/// A file whose children are said to have these sizes, each below 128.
fn file(store: &Store, children: &[Cid], sizes: &[u8]) -> Cid {
    let links: Vec<_> = children.iter().map(|cid| ("", *cid)).collect();
    let total: u8 = sizes.iter().sum();
    let sizes = sizes.iter().flat_map(|size| [0x20, *size]);
    node(store, &links, &[0x08, 0x02, 0x18, total].into_iter().chain(sizes).collect::<Vec<_>>())
}

/// The blocks of a CAR file, and the error that ended it.
async fn read(store: &Store, root: &Cid, options: CarOptions) -> (Vec<Cid>, Option<Error>) {
    let walk = store.walk_path::<&str>(root, &[], &Gate::default()).unwrap();
    let mut source = store.car_of(&walk, options);
    let (mut car, mut error) = (Vec::new(), None);
    loop {
        match source.next_piece() {
            Ok(Some(piece)) => car.extend_from_slice(&piece),
            Ok(None) => break,
            Err(found) => {
                error = Some(found);
                assert!(source.next_piece().unwrap().is_none(), "nothing comes after an error");
                break;
            }
        }
    }
    let mut cids = Vec::new();
    let mut reader = iroh_car::CarReader::new(&car[..]).await.unwrap();
    while let Some((cid, _)) = reader.next_block().await.unwrap() {
        cids.push(cid);
    }
    (cids, error)
}

fn entity(bytes: &str) -> CarOptions {
    CarOptions { scope: Scope::Entity(Some(bytes.parse().unwrap())), ..CarOptions::default() }
}

#[tokio::test]
async fn a_range_of_a_file_that_repeats_itself_is_whole() {
    let (_folder, store) = store();
    let (a, b) = (leaf(&store, &[1; 10]), leaf(&store, &[2; 10]));
    let half = file(&store, &[a, b], &[10, 10]);
    let root = file(&store, &[half, half], &[20, 20]);
    // The end of the first half and the beginning of the second: both leaves, though the node between comes once.
    assert_eq!(read(&store, &root, entity("15:24")).await.0, [root, half, b, a]);
    assert_eq!(read(&store, &root, entity("0:9")).await.0, [root, half, a]);
    let twice = CarOptions { duplicates: true, ..entity("15:24") };
    assert_eq!(read(&store, &root, twice).await.0, [root, half, b, half, a]);
    let all = CarOptions { duplicates: true, scope: Scope::Entity(None), ..CarOptions::default() };
    assert_eq!(read(&store, &root, all).await.0, [root, half, a, b, half, a, b]);
}

#[tokio::test]
async fn inline_blocks_are_followed_but_not_sent() {
    let (_folder, store) = store();
    let leaf = leaf(&store, b"below");
    let mut inline = Vec::new();
    dagpb::push_link(&mut inline, &leaf, "x", 1);
    let inline = Cid::new_v1(0x70, multihash::Multihash::wrap(0, &inline).unwrap());
    let root = node(&store, &[("inline", inline)], &[0x08, 0x01]);
    for duplicates in [false, true] {
        let options = CarOptions { duplicates, ..CarOptions::default() };
        assert_eq!(read(&store, &root, options).await.0, [root, leaf]);
    }
}

#[tokio::test]
async fn small_dags_that_unfold_for_ever_end() {
    let (_folder, store) = store();
    let mut bomb = leaf(&store, b"x");
    for _ in 0..40 {
        bomb = node(&store, &[("a", bomb), ("b", bomb)], &[0x08, 0x01]);
    }
    let options = CarOptions { duplicates: true, max_blocks: 10_000, ..CarOptions::default() };
    let (cids, error) = read(&store, &bomb, options).await;
    assert!(matches!(error, Some(Error::DagTooLarge(root)) if root == bomb));
    assert_eq!(cids.len(), 10_000);
    assert_eq!(read(&store, &bomb, CarOptions::default()).await.0.len(), 41, "each block once is no burden");

    // A chain of wide nodes: what waits to be followed is bounded, too.
    let filler = leaf(&store, b"f");
    let mut chain = filler;
    for _ in 0..8 {
        let links: Vec<_> = std::iter::once(("", chain)).chain(std::iter::repeat_n(("", filler), 40_000)).collect();
        chain = node(&store, &links, &[0x08, 0x01]);
    }
    let (_, error) = read(&store, &chain, CarOptions::default()).await;
    assert!(matches!(error, Some(Error::DagTooLarge(_))));
    const { assert!(8 * 40_000 > limits::LINKS_PENDING) };

    // Nodes that are wide with nothing: what is decoded for a read is bounded in bytes, not only in blocks.
    let empty = leaf(&store, b"");
    let (mut fat, mut sizes) = (leaf(&store, b"f"), vec![0x08, 0x02, 0x18, 0x01, 0x20, 0x01]);
    sizes.extend([0x20, 0x00].repeat(30_000));
    for _ in 0..limits::DEPTH - 2 {
        let links: Vec<_> = std::iter::once(("", fat)).chain(std::iter::repeat_n(("", empty), 30_000)).collect();
        fat = node(&store, &links, &sizes);
    }
    let wide = store.open_file(&fat).unwrap().unwrap();
    assert!(matches!(wide.read_at(&mut [0], 0), Err(Error::DagTooLarge(root)) if root == fat));

    let mut deep = leaf(&store, b"d");
    for _ in 0..limits::DEPTH + 2 {
        deep = file(&store, &[deep], &[1]);
    }
    let (_, error) = read(&store, &deep, entity("0:0")).await;
    assert!(matches!(error, Some(Error::Malformed { reason: Malformed::TooDeep, .. })));
}

#[tokio::test]
async fn sizes_that_are_no_truth_choose_no_blocks() {
    let (_folder, store) = store();
    let child = leaf(&store, &[1; 10]);
    let wrong_sum = node(&store, &[("", child)], &[0x08, 0x02, 0x18, 99, 0x20, 10]);
    let no_sizes = node(&store, &[("", child)], &[0x08, 0x02, 0x18, 10]);
    for root in [wrong_sum, no_sizes] {
        let (_, error) = read(&store, &root, entity("0:5")).await;
        assert!(matches!(error, Some(Error::Malformed { reason: Malformed::Sizes, .. })));
    }
    let huge = [&[0x08, 0x02, 0x20][..], &[0xff; 9], &[1, 0x20], &[0xff; 9], &[1]].concat();
    let overflow = node(&store, &[("", child), ("", child)], &huge);
    assert!(matches!(read(&store, &overflow, entity("0:5")).await.1, Some(Error::Malformed { .. })));
}

/// A root and names; where they end; the blocks on the way, and what each name led to.
type PathCase<'c> = (Cid, &'c [&'c str], End, Vec<Cid>, Vec<Cid>);

#[test]
fn paths_end_where_they_end() {
    let (_folder, store) = store();
    let hello = leaf(&store, b"hello");
    let folder = node(&store, &[("hello", hello)], &[0x08, 0x01]);
    let text = format!(r#"{{"dir":{{"/":"{folder}"}},"value":{{"x":1}}}}"#);
    let data = put(&store, Cid::new_v1(DAG_JSON, *raw_cid(sha256(text.as_bytes())).hash()), text.as_bytes());
    let absent = raw_cid(sha256(b"absent"));
    let holed = node(&store, &[("gone", absent)], &[0x08, 0x01]);
    let cases: [PathCase<'_>; 9] = [
        (folder, &[], End::Found(folder), vec![], vec![folder]),
        (folder, &["hello"], End::Found(hello), vec![folder], vec![folder, hello]),
        (folder, &["other"], End::Absent, vec![folder], vec![folder]),
        (folder, &["hello", "x"], End::Absent, vec![folder, hello], vec![folder, hello]),
        (data, &["dir", "hello"], End::Found(hello), vec![data, folder], vec![data, folder, hello]),
        (data, &["value", "x"], End::Inside(data), vec![], vec![data, data, data]),
        (data, &["value", "y"], End::Absent, vec![data], vec![data, data]),
        (holed, &["gone"], End::Closed(absent), vec![holed], vec![holed, absent]),
        (absent, &["x"], End::Closed(absent), vec![], vec![absent]),
    ];
    for (root, names, end, blocks, reached) in cases {
        let walk = store.walk_path(&root, names, &Gate::default()).unwrap();
        assert_eq!((walk.end, walk.blocks, walk.reached), (end, blocks, reached), "{names:?}");
    }
    let closed = Gate::new(move |cid| Ok(*cid != folder));
    assert_eq!(store.walk_path(&data, &["dir", "hello"], &closed).unwrap().end, End::Closed(folder));
    let broken = put(&store, Cid::new_v1(DAG_CBOR, *raw_cid(sha256(&[0xff])).hash()), &[0xff]);
    assert!(matches!(store.walk_path(&broken, &["x"], &Gate::default()), Err(Error::Malformed { .. })));
    let long = vec!["x"; 100_000];
    assert_eq!(store.walk_path(&folder, &long, &Gate::default()).unwrap().end, End::Absent);
}

#[test]
fn a_large_block_comes_in_two_pieces_and_reads_as_one_file() {
    let (_folder, store) = store();
    let file = store.put_bytes(&bytes(3, 100_000)).unwrap().cid;
    let mut source = store.car(&file);
    let pieces: Vec<_> = std::iter::from_fn(|| source.next_piece().unwrap()).collect();
    assert_eq!(pieces.len(), 3, "header, head, block");
    let mut whole = Vec::new();
    store.car(&file).read_to_end(&mut whole).unwrap();
    assert!(whole == pieces.concat());
}

/// A file that has the same large node in it again and again costs a read each time, though it is sent once.
#[tokio::test]
async fn what_is_read_again_for_a_car_file_is_bounded() {
    let (_folder, store) = store();
    const INLINE: usize = 1 << 20;
    let varint = |mut number: usize| {
        let mut bytes = Vec::new();
        while number > 0x7f {
            bytes.push(number as u8 | 0x80);
            number >>= 7;
        }
        bytes.push(number as u8);
        bytes
    };
    let heavy = node(&store, &[], &[&[0x08, 0x02, 0x12][..], &varint(INLINE), &vec![0; INLINE]].concat());
    let file = |times: usize| {
        let sizes = [&[0x20][..], &varint(INLINE)].concat().repeat(times);
        let data = [&[0x08, 0x02, 0x18][..], &varint(INLINE * times), &sizes].concat();
        node(&store, &vec![("", heavy); times], &data)
    };
    let options = || CarOptions { scope: Scope::Entity(None), ..CarOptions::default() };
    let some = file(8);
    let (cids, error) = read(&store, &some, options()).await;
    assert!(error.is_none(), "{error:?}");
    assert_eq!(cids, [some, heavy]);
    let many = file(limits::BYTES_AGAIN_PER_CAR / INLINE + 2);
    let (cids, error) = read(&store, &many, options()).await;
    assert!(matches!(error, Some(Error::DagTooLarge(root)) if root == many), "{error:?}");
    assert_eq!(cids, [many, heavy]);
}
