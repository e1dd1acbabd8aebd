//! What makes a decoded picture the top encoded rung's: upright, progressive, with square pixels and ordinary colours.

use super::plan::PicturePlan;
use crate::av::frame::{Picture, PictureFormat};
use crate::av::track::Fields;
use crate::rules::colour::{BT709, Colour, Treatment};
use crate::rules::ladder::Size;

/// Codecs whose every picture says whether it is made of fields.
pub const FLAGGING: [&str; 11] =
    ["h264", "hevc", "mpeg1video", "mpeg2video", "mpeg4", "vc1", "wmv3", "dvvideo", "prores", "dnxhd", "vp9"];

/// The filters from a decoded frame to the top encoded rung's picture: progressive, upright, square pixels, 8-bit
/// 4:2:0, opaque; and the colour that it has then.
///
/// What has another shape than the `first` picture gets bars.
pub fn upright(plan: &PicturePlan, first: PictureFormat, (picture, interlaced): (&Picture, bool)) -> (String, Colour) {
    let format = picture.format();
    let fields = fields(plan, interlaced);
    let turn = plan.turn.filters();
    let size = plan.rungs.first().map_or(plan.size, |rung| rung.size);
    let (width, height) = (size.width, size.height);
    // What is transparent is black, whatever colour hides there.
    let opaque = if format.has_alpha() { "format=gbrap,premultiply=inplace=1,format=gbrp," } else { "" };
    let own = (u32::try_from(format.width).unwrap_or(0), u32::try_from(format.height).unwrap_or(0));
    let (matrix, treatment) = if format.is_rgb() || format.has_alpha() {
        (":out_color_matrix=bt709", Treatment { filters: String::new(), becomes: BT709 })
    } else {
        ("", picture.colour().treatment(own))
    };
    let shown = Size { width: own.0, height: own.1 }.displayed(aspect(plan, first, format), plan.turn.is_sideways());
    let inner = shown.within(size);
    let scale = format!("scale={}:{}:flags=bicubic:out_range=tv{matrix},setsar=1", inner.width, inner.height);
    let bars = if inner == size { String::new() } else { format!(",pad={width}:{height}:-1:-1") };
    (format!("{fields}{opaque}{turn}{scale}{},format=yuv420p{bars}", treatment.filters), treatment.becomes)
}

/// The shape of a picture's pixels: its container's word, which speaks of pictures like the `first`.
fn aspect(plan: &PicturePlan, first: PictureFormat, format: PictureFormat) -> (u32, u32) {
    let shape = |format: PictureFormat| (format.width, format.height, format.aspect);
    let (width, height) = if shape(first) == shape(format) { plan.track.aspect } else { format.aspect };
    (u32::try_from(width).unwrap_or(0), u32::try_from(height).unwrap_or(0))
}

/// De-interlacing, if any: by each picture's own word where its codec has one, else by the container's.
fn fields(plan: &PicturePlan, seen: bool) -> &'static str {
    let own_word = FLAGGING.contains(&plan.track.codec.as_str());
    match plan.track.fields {
        _ if seen => "bwdif=mode=send_frame:deint=interlaced,",
        Fields::None | Fields::Unknown => "",
        _ if own_word => "bwdif=mode=send_frame:deint=interlaced,",
        Fields::TopFirst => "setfield=tff,bwdif=mode=send_frame:deint=all,",
        Fields::BottomFirst => "setfield=bff,bwdif=mode=send_frame:deint=all,",
    }
}
