//! Every kind of input, judged by the pictures and sounds that come out: the colour of a patch, the corner of a mark,
//! the time of a change.
#![allow(clippy::unwrap_used)]

mod common;

use std::path::{Path, PathBuf};

use common::{clip, colour, mosaic, near, refusal, transcode};

const RED: [u8; 3] = [254, 0, 0];
const GREEN: [u8; 3] = [0, 128, 0];
const BLUE: [u8; 3] = [0, 0, 254];
const WHITE: [u8; 3] = [255, 255, 255];
const BLACK: [u8; 3] = [0, 0, 0];

/// Red, green, blue and white in the four corners.
const CORNERS: &str = "-f lavfi -i color=black:size=320x240:rate=25:duration=1,\
    drawbox=x=0:y=0:w=80:h=60:color=red:t=fill,drawbox=x=240:y=0:w=80:h=60:color=green:t=fill,\
    drawbox=x=0:y=180:w=80:h=60:color=blue:t=fill,drawbox=x=240:y=180:w=80:h=60:color=white:t=fill";

/// Writes a display matrix's upper left numbers into an mp4's only track.
fn with_matrix(file: &Path, [a, b, c, d]: [i32; 4]) -> PathBuf {
    let mut bytes = std::fs::read(file).unwrap();
    let tkhd = bytes.windows(4).position(|window| window == b"tkhd").unwrap();
    let matrix = tkhd + 4 + 40;
    for (at, value) in [(0, a), (4, b), (12, c), (16, d)] {
        bytes[matrix + at..matrix + at + 4].copy_from_slice(&(value << 16).to_be_bytes());
    }
    let turned = file.with_file_name(format!("turned{a}{b}{c}{d}.mp4"));
    std::fs::write(&turned, bytes).unwrap();
    turned
}

#[test]
fn pictures_stand_upright_and_unmirrored_whatever_their_matrix() {
    let (_folder, plain) = clip("plain.mp4", &format!("{CORNERS} -pix_fmt yuv420p"));
    let corners = [((-1, -1), RED), ((1, -1), GREEN), ((-1, 1), BLUE), ((1, 1), WHITE)];
    for matrix in [
        [1, 0, 0, 1],
        [0, 1, -1, 0],
        [-1, 0, 0, -1],
        [0, -1, 1, 0],
        [-1, 0, 0, 1],
        [1, 0, 0, -1],
        [0, 1, 1, 0],
        [0, -1, -1, 0],
    ] {
        let done = transcode(&with_matrix(&plain, matrix));
        done.check();
        let video = &done.result.video[0];
        let [a, b, c, d] = matrix;
        let (width, height) = if a == 0 { (240, 320) } else { (320, 240) };
        assert_eq!((video.width, video.height), (width, height), "{matrix:?}");
        for ((x, y), wanted) in corners {
            // The matrix says where the picture's axes go.
            let (to_x, to_y) = (a * x + c * y, b * x + d * y);
            let place = |to: i32, side: u32| if to < 0 { 10 } else { side - 40 };
            let crop = format!("crop=30:30:{}:{},", place(to_x, width), place(to_y, height));
            let got = colour(&done.top(), 0.0, &crop);
            assert!(near(got, wanted, 16), "{matrix:?}: {got:?} instead of {wanted:?}");
        }
    }
}

#[test]
fn shapes_keep_their_proportions() {
    let half = "drawbox=x=0:y=0:w=iw/2:h=ih:color=white:t=fill";
    for (name, arguments, size, edge) in [
        ("wide.mkv", format!("color=black:size=352x288:rate=25:duration=1,{half},setsar=16/11"), (512, 288), 256),
        ("tall.mkv", format!("color=black:size=352x288:rate=25:duration=1,{half},setsar=1/2"), (176, 288), 88),
        ("odd.mkv", format!("color=black:size=321x241:rate=25:duration=1,{half}"), (320, 240), 160),
        ("small.mkv", format!("color=black:size=10x8:rate=25:duration=1,{half}"), (20, 16), 10),
    ] {
        let (_folder, source) = clip(name, &format!("-f lavfi -i {arguments} -c:v ffv1 -pix_fmt yuv444p"));
        let done = transcode(&source);
        done.check();
        let video = &done.result.video[0];
        assert_eq!((video.width, video.height), size, "{name}");
        let step = (size.0 / 16).max(2);
        let left = colour(&done.top(), 0.0, &format!("crop={step}:8:{}:4,", edge - 2 * step));
        let right = colour(&done.top(), 0.0, &format!("crop={step}:8:{}:4,", edge + step));
        assert!(near(left, WHITE, 40) && near(right, BLACK, 40), "{name}: {left:?} {right:?}");
    }
}

#[test]
fn a_single_pixel_is_a_picture() {
    let folder = tempfile::tempdir().unwrap();
    let raw = folder.path().join("raw");
    std::fs::write(&raw, [0, 0, 255].repeat(25)).unwrap();
    let source = folder.path().join("dot.mov");
    let mut made = std::process::Command::new("ffmpeg");
    made.args("-v error -f rawvideo -pixel_format bgr24 -video_size 1x1 -framerate 25 -i".split(' ')).arg(&raw);
    assert!(made.args(["-c:v", "png"]).arg(&source).status().unwrap().success());
    let done = transcode(&source);
    done.check();
    assert_eq!((done.result.video[0].width, done.result.video[0].height), (16, 16));
    let got = colour(&done.top(), 0.0, "");
    assert!(near(got, RED, 16), "{got:?}");
}

/// Bars of known colours in any pixel format come out as those colours.
#[test]
fn every_pixel_format_keeps_its_colours() {
    let bars = "color=black:size=320x240:rate=25:duration=1,drawbox=x=0:w=80:h=240:color=red:t=fill,\
        drawbox=x=80:w=80:h=240:color=green:t=fill,drawbox=x=160:w=80:h=240:color=blue:t=fill,\
        drawbox=x=240:w=80:h=240:color=white:t=fill";
    for (name, codec) in [
        ("a.mkv", "-c:v ffv1 -pix_fmt yuv420p10le"),
        ("b.mkv", "-c:v ffv1 -pix_fmt yuv422p10le"),
        ("c.mkv", "-c:v ffv1 -pix_fmt yuv444p"),
        ("d.mkv", "-c:v ffv1 -pix_fmt bgr0"),
        ("e.mkv", "-c:v ffv1 -pix_fmt gbrp12le"),
        ("f.mov", "-c:v prores_ks -profile:v 3"),
        ("g.mov", "-c:v mjpeg -pix_fmt yuvj422p -q:v 2"),
        ("h.mov", "-c:v qtrle -pix_fmt rgb24"),
        ("i.mkv", "-c:v libx264 -qp 10 -pix_fmt yuv444p"),
        ("j.mkv", "-c:v libx265 -x265-params log-level=none -pix_fmt yuv420p10le -crf 10"),
        ("k.gif", "-loop 0"),
    ] {
        let (_folder, source) = clip(name, &format!("-f lavfi -i {bars} {codec}"));
        let done = transcode(&source);
        done.check();
        for (at, wanted) in [(0, RED), (80, GREEN), (160, BLUE), (240, WHITE)] {
            let got = colour(&done.top(), 0.0, &format!("crop=40:200:{}:20,", at + 20));
            assert!(near(got, wanted, 14), "{name} ({codec}): {got:?} instead of {wanted:?}");
        }
    }
}

#[test]
fn what_is_transparent_is_black() {
    let layers = "color=white:size=320x240:rate=25:duration=1,format=rgba,\
        geq=r=255:g=255:b=255:a='if(lt(X,107),0,if(lt(X,214),128,255))'";
    for (name, codec) in [
        ("a.mov", "-c:v qtrle -pix_fmt argb"),
        ("b.mov", "-c:v prores_ks -profile:v 4444 -pix_fmt yuva444p10le"),
        ("c.mkv", "-c:v ffv1 -pix_fmt yuva420p"),
        ("d.webm", "-c:v libvpx-vp9 -deadline realtime -crf 10 -b:v 2M -pix_fmt yuva420p"),
        ("e.webm", "-c:v libvpx -deadline realtime -auto-alt-ref 0 -crf 4 -b:v 2M -pix_fmt yuva420p"),
    ] {
        let (_folder, source) = clip(name, &format!("-f lavfi -i {layers} {codec}"));
        let done = transcode(&source);
        done.check();
        for (at, wanted) in [(30, BLACK), (140, [128; 3]), (250, WHITE)] {
            let got = colour(&done.top(), 0.0, &format!("crop=40:200:{at}:20,"));
            assert!(near(got, wanted, 10), "{name} at {at}: {got:?} instead of {wanted:?}");
        }
    }
}

/// The same conversion by ffmpeg's command line, at full size.
#[test]
fn bright_ranges_look_as_a_reference_conversion_has_them() {
    for (name, transfer) in [("hdr10.mkv", "smpte2084"), ("hlg.mkv", "arib-std-b67")] {
        let made = format!(
            "-f lavfi -i smptebars=size=640x480:rate=25:duration=1,zscale=min=170m:pin=170m:tin=601:rin=tv:p=bt2020:t=linear:npl=203,\
             format=gbrpf32le,zscale=t={transfer}:m=bt2020nc:r=tv,format=yuv420p10le -c:v libx265 -crf 8 \
             -x265-params log-level=none:colorprim=bt2020:transfer={transfer}:colormatrix=bt2020nc"
        );
        let (_folder, source) = clip(name, &made);
        let done = transcode(&source);
        done.check();
        let reference = "zscale=t=linear:npl=100,format=gbrpf32le,zscale=p=bt709,tonemap=tonemap=hable:desat=0,\
            zscale=t=bt709:m=bt709:r=tv,format=yuv420p,";
        let (ours, theirs) = (mosaic(&done.media("v480"), "", "14:6"), mosaic(&source, reference, "14:6"));
        let errors: Vec<u8> = ours.iter().zip(&theirs).map(|(a, b)| a.abs_diff(*b)).collect();
        let mean = errors.iter().map(|error| f64::from(*error)).sum::<f64>() / errors.len() as f64;
        let worst = errors.iter().max().unwrap();
        eprintln!("{name}: mean error {mean:.2}, worst {worst} of 255");
        assert!(mean < 3.0 && *worst < 24, "{name}: mean {mean}, worst {worst}");
        let washed = mosaic(&source, "", "14:6");
        let off = ours.iter().zip(&washed).map(|(a, b)| f64::from(a.abs_diff(*b))).sum::<f64>() / ours.len() as f64;
        assert!(off > 10.0, "{name}: it isn't simply what an unaware player shows ({off})");
    }
}

/// Two columns to compare with, and one whose brightness is the fraction of the second.
const CLOCK: &str = "geq=lum='if(lt(X,64),16,if(lt(X,128),235,16+219*(T-floor(T))))':cb=128:cr=128";

#[test]
fn a_clock_in_the_picture_agrees_with_the_players() {
    let cases = [
        // Ten pictures a second, then thirty, then two.
        (
            "vfr.mkv",
            format!("color=gray:size=256x64:rate=30:duration=12,{CLOCK}"),
            "-vf \
            select='if(lt(t,4),not(mod(n,3)),if(lt(t,8),1,not(mod(n,15))))' -vsync vfr",
        ),
        ("absurd.mkv", format!("color=gray:size=256x64:rate=750000/71393:duration=12,{CLOCK}"), ""),
        (
            "slow.mkv",
            "color=gray:size=256x64:rate=1:duration=22,geq=lum='if(lt(X,64),16,if(lt(X,128),235,16+10*T))':cb=128:cr=128".to_owned(),
            "",
        ),
        ("fast.mkv", format!("color=gray:size=256x64:rate=240:duration=4,{CLOCK}"), ""),
        ("broadcast.ts", format!("color=gray:size=256x64:rate=30000/1001:duration=8,{CLOCK}"), "-muxdelay 1.4"),
    ];
    for (name, picture, options) in cases {
        let options = if options.is_empty() { String::new() } else { format!(" {options}") };
        let (_folder, source) =
            clip(name, &format!("-f lavfi -i {picture}{options} -c:v libx264 -preset ultrafast -qp 12 -g 300"));
        let done = transcode(&source);
        done.check();
        let column = |x: u32| done.frames(&done.result.video[0].name, &format!("crop=32:48:{x}:8,"));
        let (dark, bright, clock) = (column(16), column(80), column(176));
        // A picture that is shown again tells an older time, and rightly so.
        let fresh: Vec<usize> =
            (0..clock.len()).filter(|n| *n == 0 || (clock[*n].1 - clock[*n - 1].1).abs() > 1.0).collect();
        assert!(fresh.len() >= 20, "{name}: {} pictures", fresh.len());
        for point in 0..20 {
            let frame = fresh[point * (fresh.len() - 1) / 19];
            let (time, value) = clock[frame];
            let told = (value - dark[frame].1) / (bright[frame].1 - dark[frame].1);
            let off = match name {
                "slow.mkv" => told * 21.9 - time.floor(),
                _ => (told - time.fract() + 1.5).fract() - 0.5,
            };
            let grace = if name == "slow.mkv" { 0.5 } else { 0.02 };
            assert!(off.abs() < grace, "{name}: at {time:.3} s the picture tells {told:.3}");
        }
    }
}

#[test]
fn interlaced_sources_lose_their_combs_whoever_tells() {
    let fields = |order: &str| format!("-f lavfi -i testsrc2=size=720x576:rate=50:duration=3 -vf tinterlace={order}");
    for (name, arguments) in [
        (
            "avc.mp4",
            format!("{},setfield=tff -c:v libx264 -flags +ildct+ilme -x264-params tff=1", fields("interleave_top")),
        ),
        ("box.mkv", format!("{},setfield=bff -c:v utvideo -field_order bb", fields("interleave_bottom"))),
        ("silent.avi", format!("{},setfield=prog -c:v utvideo", fields("interleave_top"))),
        ("dv.dv", format!("{},setfield=bff -target pal-dv", fields("interleave_bottom"))),
    ] {
        let (_folder, source) = clip(name, &arguments);
        let done = transcode(&source);
        done.check();
        let log = done.filtered(&done.result.video[0].name, "-vf idet");
        let line = log.lines().rfind(|line| line.contains("Multi frame detection")).unwrap();
        let count =
            |key: &str| -> u32 { line.split(key).nth(1).unwrap().split_whitespace().next().unwrap().parse().unwrap() };
        let combed = count("TFF:") + count("BFF:");
        assert!(count("Progressive:") > 4 * combed, "{name}: {line}");
    }
}

/// The mean volume of the left and the right channel.
fn volumes(file: &Path) -> [f64; 2] {
    ["c0=c0", "c0=c1"].map(|side| {
        let log = common::filtered(file, &format!("-af pan=mono|{side},volumedetect"));
        let rest = log.split("mean_volume: ").nth(1).unwrap();
        rest.split_whitespace().next().unwrap().parse().unwrap()
    })
}

#[test]
fn many_channels_are_heard_on_both_sides() {
    let silence = |n: usize| vec!["0"; n].join("|");
    let tone = "0.5*sin(2000*t)";
    for (name, channels, heard) in [
        ("centre.mkv", format!("0|0|{tone}|0|0|0:c=5.1"), [true, true]),
        ("left.mkv", format!("{tone}|0|0|0|0|0:c=5.1"), [true, false]),
        ("right rear.mkv", format!("0|0|0|0|0|{tone}:c=5.1"), [false, true]),
        ("mono.mkv", format!("{tone}:c=mono"), [true, true]),
        ("seven.mkv", format!("0|{tone}|{}:c=7.1", silence(6)), [false, true]),
    ] {
        let (_folder, source) = clip(name, &format!("-f lavfi -i aevalsrc={channels}:d=3:s=48000 -c:a flac"));
        let done = transcode(&source);
        done.check();
        let loud = volumes(&done.media("a0")).map(|volume| volume > -50.0);
        assert_eq!(loud, heard, "{name}");
    }
}

#[test]
fn channels_in_an_unknown_order_are_heard() {
    for channels in [3, 5, 10, 12] {
        let folder = tempfile::tempdir().unwrap();
        let raw = folder.path().join("raw");
        let sample = |n: u32| ((f64::from(n / channels) * 0.05).sin() * 8000.0) as i16;
        let bytes: Vec<u8> = (0..48_000 * 2 * channels).flat_map(|n| sample(n).to_le_bytes()).collect();
        std::fs::write(&raw, bytes).unwrap();
        let wav = folder.path().join("many.wav");
        let mut made = std::process::Command::new("ffmpeg");
        made.args(["-v", "error", "-f", "s16le", "-ar", "48000", "-ac", &channels.to_string(), "-i"]);
        assert!(made.arg(&raw).args(["-c", "copy"]).arg(&wav).status().unwrap().success());
        let done = transcode(&wav);
        done.check();
        assert!(volumes(&done.media("a0")).iter().all(|volume| *volume > -40.0), "{channels}");
    }
}

#[test]
fn places_and_names_stay_in_the_source() {
    const SECRETS: [&str; 3] = ["+48.8577+002.2950", "SECRETPLACE", "SECRETCAMERA"];
    let tags = "-metadata location=+48.8577+002.2950/ -metadata comment=SECRETPLACE -metadata:s:v handler_name=SECRETCAMERA \
        -movflags use_metadata_tags";
    for (name, options) in [("copied.mp4", "-g 25 -pix_fmt yuv420p"), ("encoded.mp4", "-g 300 -pix_fmt yuv422p")] {
        let (_folder, source) = clip(
            name,
            &format!(
                "-f lavfi -i testsrc2=size=320x240:rate=25:duration=2 -f lavfi -i sine=duration=2 -c:v libx264 -crf 36 {options} -c:a aac {tags}"
            ),
        );
        let within = |bytes: &[u8], secret: &str| bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
        let original = std::fs::read(&source).unwrap();
        assert!(SECRETS.iter().all(|secret| within(&original, secret)), "the source has them");
        let done = transcode(&source);
        done.check();
        for file in done.result.files() {
            let bytes = std::fs::read(done.path(&file.name)).unwrap();
            // x264 writes its settings into a message: a copy has none.
            assert!(SECRETS.iter().all(|secret| !within(&bytes, secret)), "{name}: {}", file.name);
            assert!(name == "encoded.mp4" || !within(&bytes, "x264 - core"), "{name}: {}", file.name);
        }
    }
}

#[test]
fn too_many_broken_pictures_fail_with_the_reason() {
    let (folder, whole) = clip("whole.mkv", "-f lavfi -i testsrc2=size=320x240:rate=25:duration=12 -c:v mpeg4 -g 5");
    let mut bytes = std::fs::read(&whole).unwrap();
    for at in (4000..bytes.len()).step_by(701) {
        bytes[at] ^= 0xff;
    }
    let broken = folder.path().join("broken.mkv");
    std::fs::write(&broken, bytes).unwrap();
    let (code, message) = refusal(&broken);
    assert_eq!(code, "file_damaged", "{message}");
    assert!(message.contains("pictures in this file are broken"), "{message}");
}

#[test]
fn what_is_no_moving_picture_has_its_own_code() {
    let folder = tempfile::tempdir().unwrap();
    let archive = b"PK\x03\x04\x14\x00\x00\x00\x00\x00\x00\x00!\x00\x00\x00\x00\x00\x05\x00\x00\x00\x05\x00\x00\x00\x01\x00\x00\x00ahello";
    let cases: [(&str, &[u8], &str); 6] = [
        ("a.pdf", b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n", "not_media"),
        ("a.zip", archive, "not_media"),
        (
            "a.svg",
            b"<?xml version=\"1.0\"?><svg xmlns=\"http://www.w3.org/2000/svg\" width=\"9\" height=\"9\"/>",
            "still_image",
        ),
        ("a.srt", b"1\n00:00:01,000 --> 00:00:02,000\nHello\n\n2\n00:00:03,000 --> 00:00:04,000\nHello\n", "not_media"),
        (
            "a.sdp",
            b"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\n",
            "format_not_allowed",
        ),
        (
            "a.mpd",
            b"<?xml version=\"1.0\"?><MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\" profiles=\"x\"></MPD>",
            "format_not_allowed",
        ),
    ];
    for (name, bytes, wanted) in cases {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        let (code, message) = refusal(&path);
        let near = code == wanted || code == "not_media";
        assert!(near, "{name}: {code} {message}");
    }
    for name in ["still.png", "still.jpg", "still.webp", "still.bmp", "still.tiff"] {
        let (_folder, still) = clip(name, "-f lavfi -i testsrc2=size=320x240:rate=1:duration=1 -frames:v 1");
        assert_eq!(refusal(&still).0, "still_image", "{name}");
    }
}
