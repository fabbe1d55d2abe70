<#
.SYNOPSIS
    Sluice with PowerShell: an answer, a stream, a ready task behind a sign-in, and a template.
.EXAMPLE
    $env:SLUICE_PASSWORD = '…'; ./examples/sluice.ps1
#>
Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

$Url = if ($env:SLUICE_URL) { $env:SLUICE_URL.TrimEnd('/') } else { 'http://127.0.0.1:8000' }
$Username = if ($env:SLUICE_USERNAME) { $env:SLUICE_USERNAME } else { 'admin' }
if (-not $env:SLUICE_PASSWORD) {
    throw 'SLUICE_PASSWORD is needed: the password of the first user, printed once by the first start, or your ADMIN_PASSWORD'
}

function Send-Request([string]$Path, [hashtable]$Body, [hashtable]$Headers = @{}) {
    $Json = [Text.Encoding]::UTF8.GetBytes((ConvertTo-Json $Body -Depth 10))
    Invoke-RestMethod -Method Post -Uri "$Url$Path" -ContentType 'application/json' -Headers $Headers -Body $Json
}

'# An answer'
$Answer = Send-Request '/generate' @{ prompt = 'Say hello in one sentence.' }
"$($Answer.response) ($($Answer.model), $($Answer.usage.total_tokens) tokens, $($Answer.cost_usd) USD)"

'# The same as raw text, piece by piece'
Add-Type -AssemblyName System.Net.Http
$Client = [Net.Http.HttpClient]::new()
$Request = [Net.Http.HttpRequestMessage]::new('Post', "$Url/generate?stream=true")
$Request.Headers.Accept.ParseAdd('text/plain')
$Request.Content = [Net.Http.StringContent]::new('{"prompt": "Count to five."}', [Text.Encoding]::UTF8, 'application/json')
$Response = $Client.SendAsync($Request, [Net.Http.HttpCompletionOption]::ResponseHeadersRead).GetAwaiter().GetResult()
$null = $Response.EnsureSuccessStatusCode()
$Reader = [IO.StreamReader]::new($Response.Content.ReadAsStreamAsync().GetAwaiter().GetResult())
$Buffer = [char[]]::new(256)
while (($Count = $Reader.Read($Buffer, 0, $Buffer.Length)) -gt 0) { Write-Host -NoNewline ([string]::new($Buffer, 0, $Count)) }
Write-Host ''

'# Sign in, then a task'
$Token = (Send-Request '/auth/login' @{ username = $Username; password = $env:SLUICE_PASSWORD }).access_token
$Headers = @{ Authorization = "Bearer $Token" }
(Send-Request '/translate' @{ text = 'Good evening'; target_language = 'German' } $Headers).translation

'# A template'
(Send-Request '/api/v1/generate' @{ template_id = 'translate_v1'; input = 'Good morning'; parameters = @{ target_language = 'French' } } $Headers).output
