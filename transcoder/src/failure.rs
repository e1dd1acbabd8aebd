//! Why a job failed: a stable code, and a sentence for the person who sent the file.

use pinreel_runner::is_of_worker;
use serde::{Deserialize, Serialize};

/// A named failure. Its code goes to the server, its reason to the creator.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[error("{reason}")]
pub struct Failure {
    /// A stable `snake_case` word.
    pub code: String,
    /// A whole sentence: what is wrong, and with what.
    pub reason: String,
    /// Whether another try may end differently.
    pub retryable: bool,
    /// The codec that is missing here, and that another worker may have.
    #[serde(default)]
    pub codec: Option<String>,
    /// What happened, for the logs: the creator isn't told, and a child can't say it.
    #[serde(skip)]
    pub detail: Option<String>,
}

impl Failure {
    /// Something about the file itself: the same file fails again.
    pub fn of_file(code: &str, reason: impl Into<String>) -> Self {
        Self { code: code.to_owned(), reason: reason.into(), retryable: false, codec: None, detail: None }
    }

    /// Something about this machine or this moment.
    pub fn of_machine(code: &str, reason: impl Into<String>) -> Self {
        Self { code: code.to_owned(), reason: reason.into(), retryable: true, codec: None, detail: None }
    }

    pub fn not_media() -> Self {
        Self::of_file("not_media", "This file is neither a video nor sound in any form that can be read here.")
    }

    pub fn pointer(kind: &str) -> Self {
        let text = format!("This file only points to other files or addresses ({kind}); send the video itself.");
        Self::of_file("format_not_allowed", text)
    }

    pub fn format(kind: &str) -> Self {
        Self::of_file("format_unsupported", format!("Files of this kind ({kind}) can't be transcoded."))
    }

    pub fn still_image() -> Self {
        Self::of_file("still_image", "This file is a still picture, not a video.")
    }

    pub fn incomplete() -> Self {
        let text = "The file is incomplete: the part that says where its pictures and sound lie is missing. \
                    The upload or the recording probably broke off.";
        Self::of_file("file_incomplete", text)
    }

    pub fn damaged() -> Self {
        Self::of_file(
            "file_damaged",
            "The file says that it is a video, but its contents are damaged and can't be read.",
        )
    }

    pub fn nothing_inside() -> Self {
        Self::of_file("no_streams", "The file holds no picture and no sound that can be read.")
    }

    pub fn nothing_decoded() -> Self {
        let text = "The file says that it holds a video, but no picture or sound in it can be decoded.";
        Self::of_file("nothing_decoded", text)
    }

    pub fn changed_channels() -> Self {
        let text = "The file holds sounds with different channels one after the other (stereo and surround, say), which can't \
                    be read here: send them as files of their own.";
        Self::of_file("channels_change", text)
    }

    pub fn codec(what: &str, codec: &str) -> Self {
        let text = format!("The {what} is coded in a way ({codec}) that can't be read here.");
        Self { codec: Some(codec.to_owned()), ..Self::of_file("codec_unsupported", text) }
    }

    pub fn too_many_streams(most: usize) -> Self {
        Self::of_file("too_many_streams", format!("The file holds more than {most} tracks."))
    }

    pub fn too_large_picture(width: u32, height: u32) -> Self {
        let text = format!("The picture is {width} by {height} pixels: larger than can be transcoded here.");
        Self::of_file("picture_too_large", text)
    }

    pub fn too_long(hours: u64) -> Self {
        Self::of_file(
            "too_long",
            match hours {
                1 => "The file plays for more than an hour, which is the most allowed here.".to_owned(),
                _ => format!("The file plays for more than {hours} hours, which is the most allowed here."),
            },
        )
    }

    pub fn out_of_memory() -> Self {
        Self::of_file("out_of_memory", "Transcoding this file takes more memory than a job may use.")
    }

    /// The process that read the file ended without a word.
    pub fn crashed() -> Self {
        let text = "The transcoder broke down on this file; probably the file is damaged in an unusual way.";
        Self::of_machine("transcoder_crashed", text)
    }

    /// The process that read the file did what no honest one does. The creator is told of a crash, the log of the deed.
    pub fn untrue(deed: impl Into<String>) -> Self {
        Self { detail: Some(deed.into()), ..Self::crashed() }
    }

    /// The source's own stream was copied and turned out to be damaged: the job begins anew without copying.
    pub fn copy_unfit() -> Self {
        Self::of_machine("copy_unfit", "The file's own stream is damaged, so it must be encoded anew. Try again later.")
    }

    /// Whether this machine is at fault, and neither the file nor what became of the process that read it.
    pub fn is_of_machine(&self) -> bool {
        is_of_worker(&self.code, self.retryable)
    }

    pub fn is_copy_unfit(&self) -> bool {
        self.code == "copy_unfit"
    }

    pub fn internal(what: &str) -> Self {
        Self::of_machine(
            "transcoder_error",
            format!("The transcoder met an error of its own ({what}). Try again later."),
        )
    }

    pub fn delivery() -> Self {
        let text = "The files that were made couldn't be brought to the server. Try again later.";
        Self::of_machine("delivery_stalled", text)
    }

    pub fn disk(error: &std::io::Error) -> Self {
        let text = format!("The transcoder couldn't write its files ({error}). Try again later.");
        Self::of_machine("worker_disk", text)
    }
}
