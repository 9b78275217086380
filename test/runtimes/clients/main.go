// Stock Go clients against a running engine: one line of JSON for each check, {"check", "ok", "told"}. usage: clients ADDRESS
// The engine serves "talker" and "words". "talker" takes seconds to load, and is unloaded before each stream.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	official "github.com/openai/openai-go"
	"github.com/openai/openai-go/option"
	community "github.com/sashabaranov/go-openai"
)

var address = os.Args[1]

func sdk() official.Client {
	return official.NewClient(option.WithBaseURL(address+"/v1"), option.WithAPIKey("any"), option.WithMaxRetries(0))
}

func goOpenAI() *community.Client {
	config := community.DefaultConfig("any")
	config.BaseURL = address + "/v1"
	return community.NewClientWithConfig(config)
}

// The next request has to wait for a load.
func unload() error {
	body := []byte(`{"prompt":"a","max_tokens":1,"keep_alive_seconds":0}`)
	answer, err := http.Post(address+"/predict/talker", "application/json", bytes.NewReader(body))
	if err != nil {
		return err
	}
	answer.Body.Close()
	for {
		answer, err := http.Get(address + "/models")
		if err != nil {
			return err
		}
		var list struct{ Models []struct{ ID, State string } }
		err = json.NewDecoder(answer.Body).Decode(&list)
		answer.Body.Close()
		if err != nil {
			return err
		}
		for _, model := range list.Models {
			if model.ID == "talker" && model.State == "unloaded" {
				return nil
			}
		}
		time.Sleep(100 * time.Millisecond)
	}
}

func chatRequest() community.ChatCompletionRequest {
	return community.ChatCompletionRequest{
		Model: "talker", MaxTokens: 6,
		Messages: []community.ChatCompletionMessage{{Role: "user", Content: "Hello"}},
	}
}

func communityChat() error {
	answer, err := goOpenAI().CreateChatCompletion(context.Background(), chatRequest())
	if err == nil && answer.Usage.CompletionTokens != 6 {
		err = fmt.Errorf("it counts %d tokens", answer.Usage.CompletionTokens)
	}
	return err
}

// The loop of its README, which takes the first choice of every chunk.
func communityStream() error {
	if err := unload(); err != nil {
		return err
	}
	stream, err := goOpenAI().CreateChatCompletionStream(context.Background(), chatRequest())
	if err != nil {
		return err
	}
	defer stream.Close()
	for {
		chunk, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		_ = chunk.Choices[0].Delta.Content
	}
}

func communityEmbeddings() error {
	answer, err := goOpenAI().CreateEmbeddings(context.Background(), community.EmbeddingRequestStrings{Model: "words", Input: []string{"memory"}})
	if err == nil && len(answer.Data[0].Embedding) != 64 {
		err = fmt.Errorf("%d numbers", len(answer.Data[0].Embedding))
	}
	return err
}

func params() official.ChatCompletionNewParams {
	return official.ChatCompletionNewParams{
		Model: "talker", MaxTokens: official.Int(6),
		Messages: []official.ChatCompletionMessageParamUnion{official.UserMessage("Hello")},
	}
}

func officialChat() error {
	client := sdk()
	answer, err := client.Chat.Completions.New(context.Background(), params())
	if err == nil && answer.Usage.CompletionTokens != 6 {
		err = fmt.Errorf("it counts %d tokens", answer.Usage.CompletionTokens)
	}
	return err
}

func officialStream() error {
	if err := unload(); err != nil {
		return err
	}
	client := sdk()
	stream := client.Chat.Completions.NewStreaming(context.Background(), params())
	whole := official.ChatCompletionAccumulator{}
	for stream.Next() {
		if !whole.AddChunk(stream.Current()) {
			return errors.New("a chunk does not belong to the others")
		}
	}
	if stream.Err() == nil && whole.Choices[0].FinishReason != "length" {
		return fmt.Errorf("it ended with %q", whole.Choices[0].FinishReason)
	}
	return stream.Err()
}

func officialModels() error {
	client := sdk()
	page, err := client.Models.List(context.Background())
	if err == nil && len(page.Data) != 2 {
		err = fmt.Errorf("%d models", len(page.Data))
	}
	return err
}

func main() {
	checks := []struct {
		name string
		run  func() error
	}{
		{"go_openai_chat", communityChat}, {"go_openai_stream", communityStream}, {"go_openai_embeddings", communityEmbeddings},
		{"openai_go_chat", officialChat}, {"openai_go_stream", officialStream}, {"openai_go_models", officialModels},
	}
	for _, check := range checks {
		line := map[string]any{"check": check.name, "ok": true, "told": ""}
		if err := guarded(check.run); err != nil {
			line["ok"], line["told"] = false, err.Error()
		}
		text, _ := json.Marshal(line)
		fmt.Println(string(text))
	}
}

// A client that panics fails its check alone.
func guarded(run func() error) (err error) {
	defer func() {
		if thrown := recover(); thrown != nil {
			err = fmt.Errorf("panic: %v", thrown)
		}
	}()
	return run()
}
