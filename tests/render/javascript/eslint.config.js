import js from '@eslint/js';
import globals from 'globals';

export default [
  js.configs.recommended,
  {
    files: ['**/*.js'],
    languageOptions: { ecmaVersion: 2023, sourceType: 'script', globals: globals.browser },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      eqeqeq: 'error',
      'no-undef': 'off', // the page joins its scripts: tsc knows the names of all of them
      'no-unused-vars': ['error', { vars: 'local', argsIgnorePattern: '^_' }],
      'no-shadow': 'error',
      'no-var': 'error',
      'prefer-const': 'error',
      'no-implied-eval': 'error',
      'no-eval': 'error',
      'no-restricted-properties': [
        'error',
        { property: 'innerHTML', message: 'Names are text: build elements.' },
        { property: 'outerHTML', message: 'Names are text: build elements.' },
        { property: 'insertAdjacentHTML', message: 'Names are text: build elements.' },
        { object: 'document', property: 'write' },
      ],
    },
  },
];
