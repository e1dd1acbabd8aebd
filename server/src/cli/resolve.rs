//! `pinreel resolve URL`: what an address means on a node.

use std::convert::Infallible;
use std::process::ExitCode;

use pinreel_records::{Address, ClaimId, Located};
use serde_json::Value;
use url::{Url, form_urlencoded};

use super::answer::{self, Failure};
use super::client::Node;

#[derive(clap::Args)]
pub struct Resolve {
    /// @handle, @handle/name, @handle/name:prefix, a claim's id, also as /c/<claim id>, or the URL of a page
    #[arg(value_name = "URL", value_parser = meant)]
    address: String,
    /// The node to ask; a page's URL names its own
    #[arg(long, value_name = "URL")]
    node: Option<Url>,
    /// Answer with one line of JSON
    #[arg(long)]
    json: bool,
}

pub fn run(command: Resolve) -> ExitCode {
    answer::run(command.json, resolve(command))
}

async fn resolve(command: Resolve) -> Result<(String, Value), Failure> {
    let located = Located::parse(&command.address)
        .map_err(|error| Failure::usage(format!("{} is no address: {error}.", command.address)))?;
    let base = match (command.node, &located.node) {
        (Some(node), _) => node,
        (None, Some(node)) => {
            node.parse().map_err(|error| Failure::usage(format!("{node} is no address ({error}).")))?
        }
        (None, None) => return Err(Failure::usage("Name the node to ask with --node URL.")),
    };
    let query: String = form_urlencoded::Serializer::new(String::new()).append_pair("url", &command.address).finish();
    let answer: Value = Node::new(&base)?.get(&format!("/api/v1/resolve?{query}")).await?;
    Ok((text(&answer), answer))
}

/// The address that is meant: what `publish` answers as `claim` stands for that claim's permanent address.
fn meant(typed: &str) -> Result<String, Infallible> {
    Ok(typed.parse().map_or_else(|_| typed.to_owned(), |claim: ClaimId| Address::Claim(claim).to_string()))
}

fn text(answer: &Value) -> String {
    let field = |name: &str| answer.get(name).and_then(Value::as_str).unwrap_or("-");
    if answer.get("claim").is_none() {
        return format!("{} ({})\nchannel  {}", field("name"), field("url"), field("channel"));
    }
    let source = answer.pointer("/source/cid").and_then(Value::as_str).unwrap_or("-");
    format!(
        "{} ({})\nclaim    {}\nsource   {source}\nroot     {}",
        field("title"),
        field("url"),
        field("claim"),
        field("root")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claims_id_is_an_address() {
        let claim = "bafyreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy";
        assert_eq!(meant(claim), Ok(format!("/c/{claim}")));
        let file = "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku";
        for other in ["/c/bafy", "@ada/clip", "@ada", "https://node.example/@ada/clip", file] {
            assert_eq!(meant(other), Ok(other.to_owned()));
        }
    }

    #[test]
    fn answers_for_people() {
        let claim = serde_json::json!({"claim": "bafyc", "url": "@a@b/c", "title": "T", "source": {"cid": "bafks"}, "root": null});
        assert_eq!(text(&claim), "T (@a@b/c)\nclaim    bafyc\nsource   bafks\nroot     -");
        let channel = serde_json::json!({"channel": "bafyd", "url": "@a@b", "name": "A"});
        assert_eq!(text(&channel), "A (@a@b)\nchannel  bafyd");
    }
}
