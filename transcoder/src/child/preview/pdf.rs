//! The first page of a PDF, drawn by `hayro`.

use std::fs::File;
use std::io::Read;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

use hayro::hayro_interpret::InterpreterSettings;
use hayro::hayro_syntax::page::Page as PdfPage;
use hayro::hayro_syntax::{DecryptionError, LoadPdfError, Pdf};
use hayro::vello_cpu::color::palette::css::WHITE;
use hayro::{PixmapSettings, RenderCache, RenderSettings, render};

use crate::av::frame::Picture;
use crate::failure::Failure;

/// Larger documents get no preview: the whole is read to find one page.
const MAX_BYTES: u64 = 512 << 20;
/// A page is drawn to fit into this.
const WIDTH: f32 = 1280.0;
const HEIGHT: f32 = 1920.0;
/// For objects that hold others, many levels deep.
const STACK_BYTES: usize = 64 << 20;

/// A drawn page.
pub struct Page {
    pub picture: Picture,
    /// Its width and height in points.
    pub points: (u32, u32),
}

/// Pixels of red, green, blue and an unused byte.
struct Drawn {
    pixels: Vec<u8>,
    width: u16,
    height: u16,
    points: (f32, f32),
}

pub fn first_page(file: File, bytes: u64) -> Result<Page, Failure> {
    if bytes > MAX_BYTES {
        let text = format!("Previews are made of documents of up to {} MiB.", MAX_BYTES >> 20);
        return Err(Failure::of_file("document_too_large", text));
    }
    let mut data = Vec::new();
    file.take(MAX_BYTES).read_to_end(&mut data).map_err(|error| Failure::disk(&error))?;
    let drawing = thread::Builder::new().stack_size(STACK_BYTES).spawn(move || {
        // It reads what a stranger wrote; whatever it stumbles over is the document's fault.
        catch_unwind(AssertUnwindSafe(|| draw(data))).unwrap_or_else(|_| Err(damaged()))
    });
    let drawing = drawing.map_err(|error| Failure::internal(&format!("no thread: {error}")))?;
    let drawn = drawing.join().map_err(|_| damaged())??;
    let picture = Picture::opaque(drawn.width.into(), drawn.height.into(), &drawn.pixels);
    let points = (drawn.points.0.round().max(1.0) as u32, drawn.points.1.round().max(1.0) as u32);
    Ok(Page { picture: picture.map_err(|_| Failure::out_of_memory())?, points })
}

fn draw(data: Vec<u8>) -> Result<Drawn, Failure> {
    let pdf = Pdf::new(data).map_err(|error| match error {
        LoadPdfError::Decryption(DecryptionError::PasswordProtected) => protected(),
        LoadPdfError::Decryption(_) => {
            Failure::of_file("document_protected", "The document is encrypted in a way that can't be read here.")
        }
        LoadPdfError::Invalid => damaged(),
    })?;
    let page = pdf.pages().first().ok_or_else(damaged)?;
    let (points, scale) = fit(page)?;
    let settings = PixmapSettings { x_scale: scale, y_scale: scale, bg_color: WHITE };
    let (cache, interpreter) = (RenderCache::new(), InterpreterSettings::default());
    let drawn = render(page, &cache, &interpreter, &RenderSettings::default(), &settings);
    let (width, height) = (drawn.width(), drawn.height());
    if width == 0 || height == 0 {
        return Err(no_page());
    }
    Ok(Drawn { pixels: drawn.data_as_u8_slice().to_vec(), width, height, points })
}

/// The page's size in points, and the scale by which it fits.
fn fit(page: &PdfPage<'_>) -> Result<((f32, f32), f32), Failure> {
    let (width, height) = page.render_dimensions();
    let scale = (WIDTH / width).min(HEIGHT / height);
    let is_sane = [width, height, scale].into_iter().all(|number| number.is_finite() && number > 0.0);
    // A line would be drawn as nothing.
    if is_sane && width * scale >= 1.0 && height * scale >= 1.0 { Ok(((width, height), scale)) } else { Err(no_page()) }
}

fn protected() -> Failure {
    Failure::of_file("document_protected", "The document is protected by a password, so no page of it can be shown.")
}

fn damaged() -> Failure {
    Failure::of_file("document_unusable", "The document is damaged or incomplete, so its first page can't be drawn.")
}

fn no_page() -> Failure {
    Failure::of_file("document_unusable", "The document's first page has a size that can't be drawn.")
}
