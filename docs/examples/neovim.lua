-- Neovim and darknet-py: put this into init.lua. Neovim 0.7 or newer.
local start = vim.lsp.start -- since 0.8
  or function(config)
    vim.lsp.buf_attach_client(0, vim.lsp.start_client(config))
  end

vim.api.nvim_create_autocmd({ "BufReadPost", "BufNewFile" }, {
  pattern = "*.cfg",
  callback = function()
    start({ name = "darknet-py", cmd = { "darknet-py", "lsp" }, root_dir = vim.fn.getcwd() })
    vim.bo.omnifunc = "v:lua.vim.lsp.omnifunc" -- ctrl-x ctrl-o completes
    local function map(key, action)
      vim.keymap.set("n", key, action, { buffer = true })
    end
    map("K", vim.lsp.buf.hover)
    map("gd", vim.lsp.buf.definition)
    map("gR", vim.lsp.buf.rename)
    map("ga", vim.lsp.buf.code_action)
  end,
})
