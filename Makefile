# Everything that is done with this project. `make` lists it; CONTRIBUTING.md says more.
# Bun and the packages are brought by scripts/bun.sh where they are missing: npm or bun is all that has to be there.
BUN := sh scripts/bun.sh
# .env is read by Sluice itself, which says where each value comes from.
SLUICE := --no-env-file src/main.ts
IMAGE ?= sluice
CONTAINER ?= sluice
PORT ?= 8000
RUN_IMAGE := docker run --init --name $(CONTAINER) --publish 127.0.0.1:$(PORT):8000 --volume $(CONTAINER)-data:/data --read-only --tmpfs /tmp $(if $(wildcard .env),--env-file .env)
COMPOSE := docker compose --file deploy/compose.yaml --project-directory .

.DEFAULT_GOAL := help
.PHONY: help start dev test test-clients lint format docs bench smoke up upd down stop build rm pull bash compose-up compose-down docker compose

help: ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  \033[1m%-13s\033[0m %s\n", $$1, $$2 }' Makefile

start: ## Install what is missing and serve on http://127.0.0.1:8000
	@$(BUN) $(SLUICE) serve

dev: ## The same, and start again at every change of a file
	@$(BUN) --watch $(SLUICE) serve

test: ## All checks and tests; STAGES="types unit" runs some of them
	@$(BUN) scripts/test.ts $(STAGES)

test-clients: ## Clients of others, installed by name: large; CLIENTS="aider llm" runs some of them
	@$(BUN) test/clients-more/run.ts $(CLIENTS)

lint: ## Types, lint, format and unused code
	@$(BUN) scripts/test.ts types lint format unused

format: ## Lay out every file as the check wants it
	@$(BUN) --bun run oxfmt

docs: ## Write the generated documents anew
	@$(BUN) scripts/gen-docs.ts

bench: ## Measure, next to others in the same run
	@$(BUN) bench/run.ts

smoke: ## Ask a running service a few things; SLUICE_URL says where it is
	@$(BUN) scripts/smoke.ts

build: docker ## Build the image
	docker build --file deploy/Dockerfile --build-arg BUN_VERSION="$$(cat .bun-version)" --tag $(IMAGE) .

up: build ## Build the image and run it here, until Ctrl-C
	$(RUN_IMAGE) --rm --stop-timeout 30 $(IMAGE)

upd: build ## Build the image and run it in the background
	$(RUN_IMAGE) --detach --restart unless-stopped $(IMAGE)

stop: docker ## Stop the container; its data stays
	docker stop --time 30 $(CONTAINER)

rm: docker ## Remove the container; its data stays
	docker rm --force $(CONTAINER)

down: docker ## Stop and remove the container; its data stays
	@docker stop --time 30 $(CONTAINER) 2>/dev/null || true
	@docker rm --force $(CONTAINER)

pull: docker ## Fetch the image that ours is built on
	docker pull oven/bun:$$(cat .bun-version)-slim

bash: docker ## A shell in the running container
	docker exec --interactive --tty $(CONTAINER) bash

compose-up: compose ## Start deploy/compose.yaml; its head says what .env has to hold
	$(COMPOSE) up --detach --build --wait

compose-down: compose ## Stop it; the data stays
	$(COMPOSE) --profile '*' down

docker:
	@docker version >/dev/null 2>&1 || { echo "This needs a running Docker engine, and there is none here. Without Docker: make start" >&2; exit 1; }

compose: docker
	@docker compose version >/dev/null 2>&1 || { echo "This needs the compose plugin of Docker: https://docs.docker.com/compose/install/" >&2; exit 1; }
