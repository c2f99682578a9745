-- What somebody does in Neovim, step by step; what they see goes to standard output.
local function say(text)
  io.stdout:write(text .. "\n")
end

local function wait(ready)
  if not vim.wait(20000, ready, 20) then
    say("no answer")
    vim.cmd("cquit")
  end
end

local function errors()
  return vim.diagnostic.get(0, { severity = vim.diagnostic.severity.ERROR })
end

local function find(words)
  vim.fn.cursor(1, 1)
  return vim.fn.search("^\\V" .. words, "c")
end

local function write(number, text)
  vim.api.nvim_buf_set_lines(0, number - 1, number, true, { text })
end

local function ask(method, more)
  local params = vim.tbl_extend("error", vim.lsp.util.make_position_params(), more or {})
  local answers = vim.lsp.buf_request_sync(0, method, params, 20000)
  local _, answer = next(answers or {})
  return answer and answer.result
end

wait(function()
  return #vim.diagnostic.get(0) > 0
end)
say("opened: " .. #errors() .. " faults, " .. #vim.diagnostic.get(0) .. " message in all")

local line = find("activation=leaky")
write(line, "activation=leeky")
wait(function()
  return #errors() > 0
end)
for _, one in ipairs(errors()) do
  say(("typed:  %d:%d: %s"):format(one.lnum + 1, one.col + 1, one.message:gsub("\n", " ")))
end
write(line, "activation=leaky")
wait(function()
  return #errors() == 0
end)
say("mended: 0 faults")

line = find("[upsample]")
say("hover on line " .. line .. ":")
for text in ask("textDocument/hover").contents.value:gmatch("[^\n]+") do
  say("    " .. text)
end

line = find("layers=-1,8")
local target = vim.fn.getline(line):find("8")
vim.fn.cursor(line, target)
vim.lsp.buf.definition()
wait(function()
  return vim.fn.line(".") ~= line
end)
say(("go to the 8 of line %d: line %d, %s"):format(line, vim.fn.line("."), vim.fn.getline(".")))

line = find("[upsample]")
vim.api.nvim_buf_set_lines(0, line, line, true, { "" })
vim.fn.cursor(line + 1, 1)
local words = {}
for _, item in ipairs(ask("textDocument/completion").items) do
  table.insert(words, item.label)
end
say("complete in [upsample]: " .. table.concat(words, " "):sub(1, 60) .. " ...")
vim.api.nvim_buf_set_lines(0, line, line + 1, true, {})

line = find("[upsample]")
vim.api.nvim_buf_set_lines(0, line, line, true, { "name=up" })
local route = vim.fn.search("^layers", "W")
write(route, "layers=@up,8")
wait(function()
  return #errors() == 0
end)
vim.fn.cursor(line + 1, 6)
vim.lsp.buf.rename("larger")
wait(function()
  return vim.fn.getline(line + 1) == "name=larger"
end)
say("rename: line " .. line + 1 .. ": " .. vim.fn.getline(line + 1) .. ", line " .. route .. ": " .. vim.fn.getline(route))
vim.cmd("quit!")
