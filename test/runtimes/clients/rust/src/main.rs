//! async-openai against Modelium: prints one line of JSON for each check, as the other clients here do.
use async_openai::{
    Client,
    config::OpenAIConfig,
    types::chat::{ChatCompletionRequestUserMessageArgs, CreateChatCompletionRequestArgs},
    types::completions::CreateCompletionRequestArgs,
    types::embeddings::CreateEmbeddingRequestArgs,
};
use futures::{StreamExt, future::join_all};
use std::error::Error;

type Checked = Result<String, Box<dyn Error>>;

fn tell(check: &str, outcome: Checked) {
    let (ok, told) = match outcome {
        Ok(told) => (true, told),
        Err(error) => (false, error.to_string()),
    };
    println!("{}", serde_json::json!({ "check": format!("async-openai: {check}"), "ok": ok, "told": told }));
}

fn chat() -> Result<async_openai::types::chat::CreateChatCompletionRequest, Box<dyn Error>> {
    let message = ChatCompletionRequestUserMessageArgs::default().content("Hello").build()?;
    Ok(CreateChatCompletionRequestArgs::default().model("talker").messages([message.into()]).max_completion_tokens(4u32).build()?)
}

async fn chat_streamed(client: &Client<OpenAIConfig>) -> Checked {
    let mut stream = client.chat().create_stream(chat()?).await?;
    let mut text = String::new();
    while let Some(chunk) = stream.next().await {
        for choice in chunk?.choices {
            text += choice.delta.content.as_deref().unwrap_or("");
        }
    }
    if text.is_empty() { Err("no text".into()) } else { Ok(text) }
}

async fn chat_whole(client: &Client<OpenAIConfig>) -> Checked {
    let answer = client.chat().create(chat()?).await?;
    let text = answer.choices[0].message.content.clone().unwrap_or_default();
    if answer.usage.map(|usage| usage.completion_tokens) == Some(4) { Ok(text) } else { Err("no usage".into()) }
}

async fn completion_streamed(client: &Client<OpenAIConfig>) -> Checked {
    let request = CreateCompletionRequestArgs::default().model("talker").prompt("the").max_tokens(4u32).stream(true).build()?;
    let mut stream = client.completions().create_stream(request).await?;
    let mut text = String::new();
    while let Some(chunk) = stream.next().await {
        text += &chunk?.choices[0].text;
    }
    if text.is_empty() { Err("no text".into()) } else { Ok(text) }
}

async fn embeddings(client: &Client<OpenAIConfig>) -> Checked {
    let one = |index: usize| async move {
        let request = CreateEmbeddingRequestArgs::default().model("words").input(format!("text {index}")).build()?;
        let length = client.embeddings().create(request).await?.data[0].embedding.len();
        if length > 0 { Ok::<usize, Box<dyn Error>>(length) } else { Err("an empty vector".into()) }
    };
    let all = join_all((0..100).map(one)).await;
    Ok(all.into_iter().collect::<Result<Vec<_>, _>>()?.len().to_string())
}

#[tokio::main]
async fn main() {
    let address = std::env::args().nth(1).expect("the engine's address");
    let client = Client::with_config(OpenAIConfig::new().with_api_base(format!("{address}/v1")).with_api_key("unused"));
    tell("a streamed chat that waits for a load", chat_streamed(&client).await);
    tell("a chat", chat_whole(&client).await);
    tell("a streamed completion", completion_streamed(&client).await);
    tell("a hundred embeddings at once", embeddings(&client).await);
}
