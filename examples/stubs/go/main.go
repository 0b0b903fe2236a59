// Looks into a model with generated stubs.
//
//	buf generate && go run . [HOST:PORT] [PROMPT]
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	pb "example.com/loupe-stubs/gen/loupe/inference/v1"
)

func main() {
	address, text := "127.0.0.1:8080", "The capital of Texas is"
	if len(os.Args) > 1 {
		address = os.Args[1]
	}
	if len(os.Args) > 2 {
		text = os.Args[2]
	}
	if err := look(address, text); err != nil {
		log.Fatal(err)
	}
}

func look(address, text string) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer conn.Close()
	inference := pb.NewInferenceServiceClient(conn)
	prompts := []*pb.Prompt{{Content: &pb.Prompt_Text{Text: text}}}

	models, err := inference.ListModels(ctx, &pb.ListModelsRequest{})
	if err != nil {
		return err
	}
	model := models.Models[0]
	fmt.Printf("%s: %d layers\n", model.Name, model.Layers)

	pass, err := inference.RunForwardPass(ctx, &pb.RunForwardPassRequest{
		Model: model.Name, Prompts: prompts, TopK: 3,
		Captures: []*pb.Capture{{HookPoint: "blocks.0.hook_resid_post", Positions: []int32{-1}}},
	})
	if err != nil {
		return err
	}
	for _, score := range pass.Rows[0].Predictions[0].Top {
		fmt.Printf("  %q %.1f %%\n", score.Token, 100*score.Probability)
	}
	fmt.Printf("%s: %d bytes\n", pass.Activations[0].HookPoint, len(pass.Activations[0].Value.Data))

	steps, err := inference.GenerateText(ctx, &pb.GenerateTextRequest{Model: model.Name, Prompts: prompts, MaxNewTokens: 8})
	if err != nil {
		return err
	}
	fmt.Print("continued: ", text)
	for {
		step, err := steps.Recv()
		if errors.Is(err, io.EOF) {
			fmt.Println()
			return nil
		}
		if err != nil {
			return err
		}
		fmt.Print(step.Text)
	}
}
