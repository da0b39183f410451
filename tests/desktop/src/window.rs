//! One page as a person sees and uses it, found by `data-testid`.

use crate::eventually;
use anyhow::{Context, Result, bail};
use fantoccini::{Client, Locator};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

/// How long something may take that needs no one else: the page's own reaction.
pub const SOON: Duration = Duration::from_secs(10);

/// Tells of all elements that a selector finds.
const LOOK: &str = "
    return Array.from(document.querySelectorAll(arguments[0]), (element) => ({
        text: element.innerText ?? '',
        attributes: Object.fromEntries(Array.from(element.attributes, (a) => [a.name, a.value])),
    }));";

/// Moves the pointer.
const MOVE: &str = "window.dispatchEvent(new PointerEvent('pointermove'));";

/// Keeps the page changing for a while, by less than an eye can see. WebKit takes a picture at the
/// next presentation, and a page that rests has none.
const STIR: &str = "
    const speck = document.createElement('div');
    Object.assign(speck.style, {
        position: 'fixed', left: 0, top: 0, width: '1px', height: '1px', pointerEvents: 'none',
    });
    document.body.append(speck);
    let count = 0;
    const timer = setInterval(() => {
        count += 1;
        speck.style.background = count % 2 ? 'rgb(0 0 0 / 1%)' : 'rgb(0 0 0 / 2%)';
        if (count < 60) return;
        clearInterval(timer);
        speck.remove();
    }, 30);";

/// Picks the option of a select whose label contains a text. The empty value, "as the system
/// does", names what the system would take, and is not meant.
const CHOOSE: &str = "
    const [selector, wanted] = arguments;
    const select = document.querySelector(selector);
    const option = select && Array.from(select.options).find((o) => o.value && o.label.includes(wanted));
    if (!option) return select ? Array.from(select.options, (o) => o.label) : null;
    select.value = option.value;
    select.dispatchEvent(new Event('input', { bubbles: true }));
    select.dispatchEvent(new Event('change', { bubbles: true }));
    return true;";

/// A page in a window.
#[derive(Clone, Debug)]
pub struct Window {
    name: String,
    client: Client,
}

/// An element at one moment.
#[derive(Clone, Debug, Deserialize)]
pub struct Seen {
    /// Its text as it is shown.
    pub text: String,
    attributes: BTreeMap<String, String>,
}

impl Seen {
    /// An attribute's value; empty if there is none.
    pub fn attribute(&self, name: &str) -> &str {
        self.attributes.get(name).map_or("", String::as_str)
    }
}

/// The selector of a test id.
pub fn test_id(id: &str) -> String {
    format!("[data-testid=\"{id}\"]")
}

impl Window {
    /// A page in the session of `client`.
    pub fn new(name: &str, client: Client) -> Self {
        Self { name: name.into(), client }
    }

    /// Whose it is.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The session.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Goes over to the app's other window as soon as there is one: all that is seen and done from
    /// then on is there.
    pub async fn look_into_another(&self) -> Result<()> {
        let here = self.client.window().await?;
        let other = eventually("there is another window", SOON, async || {
            Ok(self.client.windows().await?.into_iter().find(|one| *one != here))
        })
        .await?;
        self.client.switch_to_window(other).await.context("while looking into another window")
    }

    /// Runs a function's body in the page; `arguments` are its arguments.
    pub async fn script(&self, body: &str, arguments: Vec<Value>) -> Result<Value> {
        self.client.execute(body, arguments).await.context("while running a script in the page")
    }

    /// The same for a body that calls its last argument with the result.
    pub async fn script_async(&self, body: &str, arguments: Vec<Value>) -> Result<Value> {
        let answer = self.client.execute_async(body, arguments).await;
        answer.context("while running a script in the page")
    }

    /// All elements that a selector finds now.
    pub async fn look(&self, selector: &str) -> Result<Vec<Seen>> {
        let found = self.script(LOOK, vec![json!(selector)]).await?;
        serde_json::from_value(found).context("while reading what the page shows")
    }

    /// The element with this test id, if it is there now.
    pub async fn see(&self, id: &str) -> Result<Option<Seen>> {
        Ok(self.look(&test_id(id)).await?.into_iter().next())
    }

    /// Waits until the element with this test id is as `wanted`.
    pub async fn until(
        &self,
        id: &str,
        what: &str,
        limit: Duration,
        wanted: impl Fn(&Seen) -> bool,
    ) -> Result<Seen> {
        let mut last = None;
        let outcome = eventually("waiting", limit, async || {
            last = self.see(id).await?;
            Ok(last.clone().filter(|seen| wanted(seen)))
        })
        .await;
        outcome.with_context(|| match &last {
            Some(seen) => format!("{}: `{id}` {what}; it is {seen:?}", self.name),
            None => format!("{}: `{id}` {what}; it is not there", self.name),
        })
    }

    /// Waits until the element is there.
    pub async fn appears(&self, id: &str, limit: Duration) -> Result<Seen> {
        self.until(id, "appears", limit, |_| true).await
    }

    /// Waits until an attribute has a value.
    pub async fn becomes(
        &self,
        id: &str,
        attribute: &str,
        value: &str,
        limit: Duration,
    ) -> Result<Seen> {
        let what = format!("has {attribute}={value}");
        self.until(id, &what, limit, |seen| seen.attribute(attribute) == value).await
    }

    /// Waits until the element is gone.
    pub async fn disappears(&self, id: &str, limit: Duration) -> Result<()> {
        eventually(&format!("{}: `{id}` goes away", self.name), limit, async || {
            Ok(self.see(id).await?.is_none().then_some(()))
        })
        .await
    }

    /// Presses the element with the pointer, as soon as it can be pressed. A pointer on its way brings
    /// back what has stepped aside; the driver's is there without one.
    pub async fn press(&self, id: &str) -> Result<()> {
        let selector = test_id(id);
        eventually(&format!("{}: pressing `{id}`", self.name), SOON, async || {
            self.script(MOVE, Vec::new()).await?;
            let element = self.client.find(Locator::Css(&selector)).await?;
            if !element.is_enabled().await? {
                return Ok(None);
            }
            element.click().await?;
            Ok(Some(()))
        })
        .await
    }

    /// Presses the element that takes its own window away. The driver would wait for the answer of
    /// a page that is gone, so the page presses it after the driver has been answered.
    pub async fn press_and_leave(&self, id: &str) -> Result<()> {
        self.appears(id, SOON).await?;
        let press = "const [selector] = arguments;
            setTimeout(() => document.querySelector(selector)?.click());";
        self.script(press, vec![json!(test_id(id))]).await.map(drop)
    }

    /// Presses the element if it is there now; it may go away at any moment.
    pub async fn press_if_there(&self, id: &str) -> Result<()> {
        for element in self.client.find_all(Locator::Css(&test_id(id))).await? {
            element.click().await?;
        }
        Ok(())
    }

    /// Empties a field and types into it.
    pub async fn enter(&self, id: &str, text: &str) -> Result<()> {
        let selector = test_id(id);
        eventually(&format!("{}: typing into `{id}`", self.name), SOON, async || {
            let element = self.client.find(Locator::Css(&selector)).await?;
            element.clear().await?;
            element.send_keys(text).await?;
            Ok(Some(()))
        })
        .await
    }

    /// Picks the option of a select whose label contains `label`.
    pub async fn choose(&self, id: &str, label: &str) -> Result<()> {
        let arguments = vec![json!(test_id(id)), json!(label)];
        eventually(&format!("{}: choosing {label} in `{id}`", self.name), SOON, async || match self
            .script(CHOOSE, arguments.clone())
            .await?
        {
            Value::Bool(true) => Ok(Some(())),
            other => bail!("there is {other}"),
        })
        .await
    }

    /// Loads the page anew.
    pub async fn reload(&self) -> Result<()> {
        self.client.refresh().await.context("while loading the page anew")
    }

    /// The page as a PNG.
    pub async fn picture(&self) -> Result<Vec<u8>> {
        self.script(STIR, Vec::new()).await?;
        tokio::time::timeout(SOON, self.client.screenshot())
            .await
            .context("the page is not drawn")?
            .context("while taking a picture of the page")
    }
}
