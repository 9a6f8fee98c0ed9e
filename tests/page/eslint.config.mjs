import js from '@eslint/js';
import globals from 'globals';

export default [
  js.configs.recommended,
  { files: ['page.js'], languageOptions: { sourceType: 'script', globals: globals.browser } },
  { files: ['*.mjs'], languageOptions: { globals: { ...globals.node, ...globals.browser } } },
  {
    rules: {
      eqeqeq: 'error',
      'no-var': 'error',
      'prefer-const': 'error',
      'no-shadow': 'error',
      'no-implicit-globals': 'off',
      'max-len': ['error', { code: 140 }],
    },
  },
];
