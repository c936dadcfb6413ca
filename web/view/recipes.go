package view

import "strings"

// recipes are the settings for each SDK and for a Collector. Logs are off:
// Slowburn refuses them. The delay of a second brings a page sooner than the
// five that SDKs wait.
func (s Start) recipes() []Recipe {
	environment := RecipeBlock{ID: "env", Text: "Set this in the environment of the service, and restart it", Code: s.environment()}
	with := func(id, name string, blocks ...RecipeBlock) Recipe {
		r := Recipe{ID: id, Name: name, Blocks: append([]RecipeBlock{environment}, blocks...)}
		for i := range r.Blocks {
			r.Blocks[i].ID = id + "-" + r.Blocks[i].ID
		}
		return r
	}
	return []Recipe{
		with("go", "Go", RecipeBlock{"code", "Add the exporter where the program starts; the rest comes from the environment", goCode(s.GRPC != "")}),
		with("java", "Java", RecipeBlock{"code", "Start with the OpenTelemetry Java agent", "java -javaagent:opentelemetry-javaagent.jar -jar app.jar"}),
		with("python", "Python", RecipeBlock{
			"code", "Install once, then start through the agent",
			"pip install opentelemetry-distro opentelemetry-exporter-otlp\nopentelemetry-bootstrap -a install\nopentelemetry-instrument python app.py",
		}),
		with("node", "Node.js", RecipeBlock{
			"code", "Install once, then start with the instrumentations",
			"npm install @opentelemetry/api @opentelemetry/auto-instrumentations-node\nnode --require @opentelemetry/auto-instrumentations-node/register app.js",
		}),
		with("dotnet", ".NET", RecipeBlock{
			"code", "Add the packages OpenTelemetry.Extensions.Hosting, OpenTelemetry.Exporter.OpenTelemetryProtocol and OpenTelemetry.Instrumentation.AspNetCore, then",
			"builder.Services.AddOpenTelemetry()\n    .WithTracing(tracing => tracing.AddAspNetCoreInstrumentation().AddOtlpExporter());",
		}),
		{ID: "collector", Name: "Collector", Blocks: []RecipeBlock{{"collector-config", "Add this to a Collector's configuration; keep the exporters that are there", s.collector()}}},
	}
}

func (s Start) environment() string {
	lines := []string{"export OTEL_SERVICE_NAME=my-service"}
	if s.GRPC != "" {
		lines = append(lines, "export OTEL_EXPORTER_OTLP_ENDPOINT="+s.GRPC, "export OTEL_EXPORTER_OTLP_PROTOCOL=grpc")
	} else {
		lines = append(lines, "export OTEL_EXPORTER_OTLP_ENDPOINT="+s.HTTP, "export OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf")
	}
	if s.Token {
		lines = append(lines, "export OTEL_EXPORTER_OTLP_HEADERS=authorization=Bearer%20TOKEN   # one of --otlp-token-file")
	}
	return strings.Join(append(lines, "export OTEL_LOGS_EXPORTER=none", "export OTEL_BSP_SCHEDULE_DELAY=1000"), "\n")
}

func goCode(grpc bool) string {
	protocol := "otlptracehttp"
	if grpc {
		protocol = "otlptracegrpc"
	}
	return `exporter, err := ` + protocol + `.New(ctx)
if err != nil {
	return err
}
provider := trace.NewTracerProvider(trace.WithBatcher(exporter))
defer provider.Shutdown(ctx)
otel.SetTracerProvider(provider)
// http.ListenAndServe(address, otelhttp.NewHandler(mux, "server"))`
}

func (s Start) collector() string {
	var b strings.Builder
	b.WriteString("exporters:   # before 0.144 the exporters were called otlp and otlphttp\n")
	name := "otlp_grpc/slowburn"
	if s.GRPC == "" {
		name = "otlp_http/slowburn"
	}
	address := s.GRPC
	if address == "" {
		address = s.HTTP
	}
	b.WriteString("  " + name + ":\n    endpoint: " + address + "\n")
	if !s.TLS {
		b.WriteString("    tls: {insecure: true}\n")
	}
	if s.Token {
		b.WriteString("    headers: {authorization: Bearer ${env:SLOWBURN_TOKEN}}   # one of --otlp-token-file\n")
	}
	b.WriteString("service:\n  pipelines:\n    traces:\n      receivers: [otlp]\n      exporters: [" + name + "]\n    metrics:\n      receivers: [otlp]\n      exporters: [" + name + "]\n")
	return b.String()
}
