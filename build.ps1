<#
.SYNOPSIS
    Everything that is done with this project, on Windows: the commands of the Makefile under the same names.
.EXAMPLE
    ./build.ps1 start
.EXAMPLE
    ./build.ps1 test types unit
#>
param(
    [Parameter(Position = 0)][string]$Command = 'help',
    [Parameter(Position = 1, ValueFromRemainingArguments = $true)][string[]]$Words = @()
)

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
Set-Location -LiteralPath $PSScriptRoot

$Version = (Get-Content -LiteralPath '.bun-version' -Raw).Trim()
$Image = if ($env:IMAGE) { $env:IMAGE } else { 'sluice' }
$Container = if ($env:CONTAINER) { $env:CONTAINER } else { 'sluice' }
$Port = if ($env:PORT) { $env:PORT } else { '8000' }
$OnWindows = $env:OS -eq 'Windows_NT'

$Commands = [ordered]@{
    'help'         = 'This list'
    'start'        = 'Install what is missing and serve on http://127.0.0.1:8000'
    'dev'          = 'The same, and start again at every change of a file'
    'dev-api'      = 'Like dev, against the Postgres and Redis that dev-services starts'
    'dev-services' = 'Postgres and Redis alone, from deploy/compose.yaml'
    'test'         = 'All checks and tests; "test types unit" runs some of them'
    'lint'         = 'Types, lint, format and unused code'
    'format'       = 'Lay out every file as the check wants it'
    'docs'         = 'Write the generated documents anew'
    'bench'        = 'Measure, next to others in the same run'
    'test-clients' = 'Clients of others, installed by name: large; "test-clients aider llm" runs some of them'
    'smoke'        = 'Ask a running service a few things; SLUICE_URL says where it is'
    'build'        = 'Build the image'
    'up'           = 'Build the image and run it here, until Ctrl-C'
    'upd'          = 'Build the image and run it in the background'
    'stop'         = 'Stop the container; its data stays'
    'rm'           = 'Remove the container; its data stays'
    'down'         = 'Stop and remove the container; its data stays'
    'pull'         = 'Fetch the image that ours is built on'
    'bash'         = 'A shell in the running container'
    'compose-up'   = 'Start deploy/compose.yaml; its head says what .env has to hold'
    'compose-down' = 'Stop it; the data stays'
}

function Stop-With([string]$Message) {
    [Console]::Error.WriteLine("sluice: $Message")
    exit 1
}

# Runs a program and ends with its exit code when that is not 0.
function Invoke-Program([string]$Program, [string[]]$Arguments) {
    & $Program @Arguments
    if ($LASTEXITCODE -ne 0) { exit $LASTEXITCODE }
}

function Test-Bun([string]$Path) {
    try { return ((& $Path --version) -eq $Version) } catch { return $false }
}

# A bun of the pinned version: the one on the path, or one that npm brings into .tools.
function Get-Bun {
    $Found = Get-Command bun -CommandType Application -ErrorAction SilentlyContinue | Select-Object -First 1
    if ($Found -and (Test-Bun $Found.Source)) { return $Found.Source }
    $Name = if ($OnWindows) { 'bun.exe' } else { 'bun' }
    $Folder = Join-Path $PSScriptRoot ".tools/bun-$Version"
    $Own = Join-Path $Folder $Name
    if ((Test-Path -LiteralPath $Own) -and (Test-Bun $Own)) { return $Own }
    if (-not (Get-Command npm -ErrorAction SilentlyContinue)) {
        Stop-With "Bun $Version is needed, and neither it nor npm is here. Install Node.js (https://nodejs.org), which brings npm, or Bun $Version (https://bun.com/docs/installation), and try again."
    }
    [Console]::Error.WriteLine("sluice: installing Bun $Version into .tools (once)")
    $Attempt = Join-Path $PSScriptRoot ".tools/attempt.$PID"
    New-Item -ItemType Directory -Force -Path $Attempt, $Folder | Out-Null
    Set-Content -LiteralPath (Join-Path $Attempt 'package.json') -Value '{"private":true}'
    Push-Location -LiteralPath $Attempt
    & npm install --prefix $Attempt --location=project --no-global --no-save --no-package-lock --ignore-scripts --include=optional --no-dry-run --no-audit --no-fund --loglevel=error "bun@$Version" | Out-Host
    $Failed = $LASTEXITCODE -ne 0
    Pop-Location
    $Candidates = @(Get-ChildItem -Path (Join-Path $Attempt 'node_modules/@oven/bun-*/bin') -File -ErrorAction SilentlyContinue | Where-Object { $_.Name -eq $Name -and (Test-Bun $_.FullName) })
    if (-not $Failed -and $Candidates.Count -gt 0) { Move-Item -Force -LiteralPath $Candidates[0].FullName -Destination $Own }
    Remove-Item -Recurse -Force -LiteralPath $Attempt
    if ($Failed -or $Candidates.Count -eq 0) { Stop-With "npm could not install a bun@$Version that runs here. Check the network, or install Bun $Version yourself and try again." }
    return $Own
}

# Runs bun in the project, after bringing the packages where the lock has changed.
function Invoke-Bun([string[]]$Arguments) {
    $Bun = Get-Bun
    $Stamp = Join-Path $PSScriptRoot 'node_modules/.installed-by-build'
    $Wanted = "$Version $((Get-FileHash -LiteralPath 'bun.lock' -Algorithm SHA256).Hash)"
    if (-not ((Test-Path -LiteralPath $Stamp) -and ((Get-Content -LiteralPath $Stamp -Raw).Trim() -eq $Wanted))) {
        Invoke-Program $Bun @('install', '--frozen-lockfile', '--ignore-scripts')
        Set-Content -LiteralPath $Stamp -Value $Wanted
    }
    $Separator = [IO.Path]::PathSeparator
    $env:PATH = "$(Split-Path -Parent $Bun)$Separator$(Join-Path $PSScriptRoot 'node_modules/.bin')$Separator$env:PATH"
    # For tests that play many callers: Bun reads it before any code runs, and its fetch would let no more than 256 calls out at once.
    if (-not $env:BUN_CONFIG_MAX_HTTP_REQUESTS) { $env:BUN_CONFIG_MAX_HTTP_REQUESTS = '16384' }
    # Freed memory is kept for ten seconds: to give it back at once, and to ask for it again, costs a call 4 to 7 % of its CPU.
    if (-not $env:MIMALLOC_PURGE_DELAY) { $env:MIMALLOC_PURGE_DELAY = '10000' }
    Invoke-Program $Bun $Arguments
}

function Invoke-Docker([string[]]$Arguments) {
    $Engine = $false
    if (Get-Command docker -ErrorAction SilentlyContinue) {
        try { & docker version 2>$null | Out-Null; $Engine = $LASTEXITCODE -eq 0 } catch { $Engine = $false }
    }
    if (-not $Engine) { Stop-With 'This needs a running Docker engine, and there is none here. Without Docker: ./build.ps1 start' }
    Invoke-Program 'docker' $Arguments
}

function Invoke-Compose([string[]]$Arguments) {
    Invoke-Docker (@('compose', '--file', 'deploy/compose.yaml', '--project-directory', '.') + $Arguments)
}

function Build-Image {
    Invoke-Docker @('build', '--file', 'deploy/Dockerfile', '--build-arg', "BUN_VERSION=$Version", '--tag', $Image, '.')
}

function Start-Container([string[]]$How) {
    Build-Image
    $Settings = if (Test-Path -LiteralPath '.env') { @('--env-file', '.env') } else { @() }
    Invoke-Docker (@('run', '--init', '--name', $Container, '--publish', "127.0.0.1:${Port}:8000", '--volume', "${Container}-data:/data", '--read-only', '--tmpfs', '/tmp') + $Settings + $How + @($Image))
}

switch ($Command) {
    'help' { foreach ($Name in $Commands.Keys) { '  {0,-13} {1}' -f $Name, $Commands[$Name] } }
    'start' { Invoke-Bun @('--no-env-file', 'src/main.ts', 'serve') }
    'dev' { Invoke-Bun @('--watch', '--no-env-file', 'src/main.ts', 'serve') }
    'dev-api' {
        if (-not $env:POSTGRES_PASSWORD) { Stop-With 'Set $env:POSTGRES_PASSWORD to the password that dev-services was started with.' }
        $env:DATABASE_URL = "postgres://sluice:$([uri]::EscapeDataString($env:POSTGRES_PASSWORD))@127.0.0.1:5432/sluice"
        $env:REDIS_URL = 'redis://127.0.0.1:6379'
        Invoke-Bun @('--watch', '--no-env-file', 'src/main.ts', 'serve')
    }
    'dev-services' { Invoke-Compose @('--profile', 'postgres', '--profile', 'redis', 'up', '--detach', '--wait', 'postgres', 'redis') }
    'test' { Invoke-Bun (@('scripts/test.ts') + $Words) }
    'lint' { Invoke-Bun @('scripts/test.ts', 'types', 'lint', 'format', 'unused') }
    'format' { Invoke-Bun @('--bun', 'run', 'oxfmt') }
    'docs' { Invoke-Bun @('scripts/gen-docs.ts') }
    'bench' { Invoke-Bun @('bench/run.ts') }
    'test-clients' { Invoke-Bun (@('test/clients-more/run.ts') + $Words) }
    'smoke' { Invoke-Bun @('scripts/smoke.ts') }
    'build' { Build-Image }
    'up' { Start-Container @('--rm', '--stop-timeout', '30') }
    'upd' { Start-Container @('--detach', '--restart', 'unless-stopped') }
    'stop' { Invoke-Docker @('stop', '--time', '30', $Container) }
    'rm' { Invoke-Docker @('rm', '--force', $Container) }
    'down' { Invoke-Docker @('rm', '--force', $Container) }
    'pull' { Invoke-Docker @('pull', "oven/bun:$Version-slim") }
    'bash' { Invoke-Docker @('exec', '--interactive', '--tty', $Container, 'bash') }
    'compose-up' { Invoke-Compose @('up', '--detach', '--build', '--wait') }
    'compose-down' { Invoke-Compose @('--profile', '*', 'down') }
    default { Stop-With "There is no command '$Command'. ./build.ps1 help lists them." }
}
